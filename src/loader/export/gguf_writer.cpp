#include "loader/export/gguf_writer.h"

#include "base/check.h"
#include "loader/export/append_bytes.h"
#include "loader/gguf.h"
#include "tensor/tensor.h"

namespace tinyllm {
namespace {

constexpr std::uint64_t kAlignment = 32;  // general.alignment's default; the writer says no other
constexpr const char* kAlignmentKey = "general.alignment";

std::uint64_t aligned(std::uint64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

void append_value(std::string& out, const GgufValue& value) {
  if (value.is_array) {
    append_number(out, static_cast<std::uint32_t>(GgufType::array));
    append_number(out, static_cast<std::uint32_t>(value.type));
    append_number(out, value.n_elems);
  } else {
    append_number(out, static_cast<std::uint32_t>(value.type));
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
    append_text(keys, key);
    append_value(keys, value);
    ++n_keys;
  }
  for (const auto& [key, value] : numbers) {
    append_text(keys, key);
    append_number(keys, static_cast<std::uint32_t>(GgufType::uint32));
    append_number(keys, value);
  }
  std::string file = "GGUF";
  append_number(file, std::uint32_t{3});
  append_number(file, static_cast<std::uint64_t>(tensors.size()));
  append_number(file, n_keys);
  file += keys;
  std::uint64_t offset = 0;
  for (const GgufTensorPlan& tensor : tensors) {
    append_text(file, tensor.name);
    append_number(file, static_cast<std::uint32_t>(tensor.shape.n_dims()));
    for (int i = tensor.shape.n_dims() - 1; i >= 0; --i) {  // innermost first
      append_number(file, static_cast<std::uint64_t>(tensor.shape[i]));
    }
    append_number(file, gguf_format_number(tensor.dtype));
    append_number(file, offset);
    ends.push_back(offset + tensor_bytes(tensor));
    offset = aligned(ends.back());
  }
  return file;
}

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
                       const std::map<std::string, std::uint32_t>& numbers,
                       std::span<const GgufTensorPlan> tensors)
    : file_(path) {
  append(table_of(metadata, numbers, tensors, ends_));
  pad();
  data_begin_ = n_written_;
}

void GgufWriter::write(std::span<const std::byte> bytes) {
  CHECK(next_tensor_ < ends_.size(), "{} bytes after the last tensor", bytes.size());
  append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const std::uint64_t end = data_begin_ + ends_[next_tensor_];
  CHECK(n_written_ <= end, "{} bytes too many for a tensor", n_written_ - end);
  if (n_written_ == end) {
    pad();
    ++next_tensor_;
  }
}

void GgufWriter::finish() {
  CHECK(next_tensor_ == ends_.size(), "{} of {} tensors were written", next_tensor_, ends_.size());
  file_.commit();
}

void GgufWriter::append(std::string_view bytes) {
  file_.write(bytes);
  n_written_ += bytes.size();
}

void GgufWriter::pad() { append(std::string(aligned(n_written_) - n_written_, '\0')); }

}  // namespace tinyllm
