#pragma once
// Memory of the GPU, and memory of the host that the GPU copies from and to by itself. All of it is
// taken while a model loads; a step takes none. Move only.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tinyllm::cuda {

// Uninitialised device memory, aligned to 256 bytes. Throws Error{out_of_memory} that names `what`.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::int64_t n_bytes, const char* what = "device buffer");
  ~DeviceBuffer();
  DeviceBuffer(DeviceBuffer&& other) noexcept;
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept;

  std::byte* data() const { return data_; }
  std::int64_t n_bytes() const { return n_bytes_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  std::int64_t n_bytes_ = 0;
};

// Zeroed, so that padding is finite from the beginning.
DeviceBuffer zeroed(std::int64_t n_bytes, const char* what);

// Page-locked host memory.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(std::int64_t n_bytes, const char* what = "pinned buffer");
  ~PinnedBuffer();
  PinnedBuffer(PinnedBuffer&& other) noexcept;
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept;

  std::byte* data() const { return data_; }
  std::int64_t n_bytes() const { return n_bytes_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  std::int64_t n_bytes_ = 0;
};

// Device memory that is taken piece by piece and given back as a whole: a model's weights.
class DeviceArena {
 public:
  explicit DeviceArena(const char* what) : what_(what) {}
  // Aligned to 256 bytes; stays where it is as long as the arena lives.
  std::byte* take(std::int64_t n_bytes);
  std::int64_t n_taken() const { return n_taken_; }

 private:
  const char* what_;
  std::vector<DeviceBuffer> chunks_;
  std::int64_t used_ = 0;  // of the last chunk
  std::int64_t n_taken_ = 0;
};

}  // namespace tinyllm::cuda
