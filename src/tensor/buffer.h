#pragma once
// Owns a block of memory aligned to 64 bytes (a cache line, a zmm register). Move only.

#include <cstddef>
#include <cstdint>
#include <span>

namespace tinyllm {

class Buffer {
 public:
  Buffer() = default;
  // Uninitialised bytes. Throws Error{out_of_memory} that names the size and `what` it was for.
  explicit Buffer(std::int64_t n_bytes, const char* what = "buffer");
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::int64_t n_bytes() const { return n_bytes_; }

  template <typename T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(data_), static_cast<std::size_t>(n_bytes_) / sizeof(T)};
  }
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data_), static_cast<std::size_t>(n_bytes_) / sizeof(T)};
  }

 private:
  std::byte* data_ = nullptr;
  std::int64_t n_bytes_ = 0;
};

}  // namespace tinyllm
