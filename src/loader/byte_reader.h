#pragma once
// A cursor over the bytes of a file that never reads past their end. Numbers are little-endian, as
// GGUF and safetensors store them. Borrows the bytes and the source name.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tinyllm {

class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, const std::string& source)
      : bytes_(bytes), source_(&source) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t n_left() const { return bytes_.size() - offset_; }

  // The next n bytes. Throws Error{invalid_input} "file:
  // ends inside <what> at byte ..." when fewer are left.
  std::span<const std::byte> take(std::uint64_t n, const char* what) {
    if (n > n_left()) {
      fail(ErrorCode::invalid_input,
           "{}: {} at byte {} wants {} bytes, {} are left; the file is truncated or damaged",
           *source_, what, offset_, n, n_left());
    }
    const auto taken = bytes_.subspan(offset_, n);
    offset_ += n;
    return taken;
  }

  template <typename Number>
  Number read(const char* what) {
    static_assert(std::endian::native == std::endian::little, "a big-endian host is not supported");
    Number value;
    std::memcpy(&value, take(sizeof(Number), what).data(), sizeof(Number));
    return value;
  }

  // A string as GGUF stores it: length in 64 bits, then the bytes.
  std::string_view read_string(const char* what) {
    const auto text = take(read<std::uint64_t>(what), what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string* source_;
  std::uint64_t offset_ = 0;  // <= bytes_.size()
};

}  // namespace tinyllm
