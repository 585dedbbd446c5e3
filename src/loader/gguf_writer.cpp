#include "loader/gguf_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "loader/gguf.h"
#include "tensor/tensor.h"

namespace tinyllm {
namespace {

constexpr std::uint64_t kAlignment = 32;  // general.alignment's default; the writer says no other
constexpr const char* kAlignmentKey = "general.alignment";

std::uint64_t aligned(std::uint64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

template <typename Number>
void append(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_string(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

void append_value(std::string& out, const GgufValue& value) {
  if (value.is_array) {
    append(out, static_cast<std::uint32_t>(GgufType::array));
    append(out, static_cast<std::uint32_t>(value.type));
    append(out, value.n_elems);
  } else {
    append(out, static_cast<std::uint32_t>(value.type));
  }
  out.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

std::uint64_t tensor_bytes(const GgufTensorPlan& tensor) {
  return static_cast<std::uint64_t>(Tensor{nullptr, tensor.dtype, tensor.shape}.n_bytes());
}

// Everything before the data, unpadded. `ends` gets where each tensor's bytes end in the data.
std::string table_of(const GgufMetadata& metadata,
                     const std::map<std::string, std::uint32_t>& numbers,
                     std::span<const GgufTensorPlan> tensors, std::vector<std::uint64_t>& ends) {
  std::string keys;
  std::uint64_t n_keys = numbers.size();
  for (const auto& [key, value] : metadata.values()) {
    if (numbers.contains(key) || key == kAlignmentKey) continue;
    append_string(keys, key);
    append_value(keys, value);
    ++n_keys;
  }
  for (const auto& [key, value] : numbers) {
    append_string(keys, key);
    append(keys, static_cast<std::uint32_t>(GgufType::uint32));
    append(keys, value);
  }
  std::string file = "GGUF";
  append(file, std::uint32_t{3});
  append(file, static_cast<std::uint64_t>(tensors.size()));
  append(file, n_keys);
  file += keys;
  std::uint64_t offset = 0;
  for (const GgufTensorPlan& tensor : tensors) {
    append_string(file, tensor.name);
    append(file, static_cast<std::uint32_t>(tensor.shape.n_dims()));
    for (int i = tensor.shape.n_dims() - 1; i >= 0; --i) {  // innermost first
      append(file, static_cast<std::uint64_t>(tensor.shape[i]));
    }
    append(file, gguf_format_number(tensor.dtype));
    append(file, offset);
    ends.push_back(offset + tensor_bytes(tensor));
    offset = aligned(ends.back());
  }
  return file;
}

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
                       const std::map<std::string, std::uint32_t>& numbers,
                       std::span<const GgufTensorPlan> tensors)
    : path_(path), temporary_(path.string() + ".XXXXXX") {
  const std::string table = table_of(metadata, numbers, tensors, ends_);
  fd_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
  if (fd_ < 0) fail_io(errno);
  if (::fchmod(fd_, 0644) != 0) fail_io(errno);
  write_raw(table.data(), table.size());
  pad();
  data_begin_ = n_written_;
}

GgufWriter::~GgufWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void GgufWriter::write(std::span<const std::byte> bytes) {
  CHECK(next_tensor_ < ends_.size(), "{} bytes after the last tensor", bytes.size());
  write_raw(bytes.data(), bytes.size());
  const std::uint64_t end = data_begin_ + ends_[next_tensor_];
  CHECK(n_written_ <= end, "{} bytes too many for a tensor", n_written_ - end);
  if (n_written_ == end) {
    pad();
    ++next_tensor_;
  }
}

void GgufWriter::finish() {
  CHECK(next_tensor_ == ends_.size(), "{} of {} tensors were written", next_tensor_, ends_.size());
  if (::fsync(fd_) != 0) fail_io(errno);
  if (::close(std::exchange(fd_, -1)) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    fail_io(reason);
  }
}

void GgufWriter::write_raw(const void* bytes, std::size_t n_bytes) {
  const char* next = static_cast<const char*>(bytes);
  n_written_ += n_bytes;
  while (n_bytes > 0) {
    const ssize_t n = ::write(fd_, next, n_bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_io(n < 0 ? errno : ENOSPC);
    next += n;
    n_bytes -= static_cast<std::size_t>(n);
  }
}

void GgufWriter::pad() {
  constexpr char kZeros[kAlignment] = {};
  write_raw(kZeros, aligned(n_written_) - n_written_);
}

void GgufWriter::fail_io(int reason) const {
  fail(ErrorCode::io, "{}: cannot be written: {}", path_.string(), std::strerror(reason));
}

}  // namespace tinyllm
