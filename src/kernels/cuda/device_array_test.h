#pragma once
// What tests of kernels stand on: a device or a reason to skip, and arrays on the device between
// guard pages.

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "kernels/cuda/device_context.h"
#include "kernels/cuda/device_memory.h"

// First line of a test that needs a GPU.
#define REQUIRE_GPU()                    \
  if (::tinyllm::cuda::n_devices() == 0) \
  GTEST_SKIP() << "no CUDA device: run tools/gpu_check.sh on a machine with one"

namespace tinyllm::cuda {

// n elements on the device. Before and after them lie pages of 0xA5 that a kernel must not touch;
// the elements themselves begin as NaN (every byte 0xFF).
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t n) : n_(n), memory_(bytes() + 2 * kGuard, "a test's array") {
    check(cudaMemset(memory_.data(), 0xA5, static_cast<std::size_t>(memory_.n_bytes())), "memset");
    poison();
  }
  explicit DeviceArray(std::span<const T> values) : DeviceArray(values.size()) { upload(values); }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(std::span<const T>(values)) {}

  T* data() const { return reinterpret_cast<T*>(memory_.data() + kGuard); }
  std::size_t size() const { return n_; }

  void poison() {
    check(cudaMemset(data(), 0xFF, n_ * sizeof(T)), "memset");
    check(cudaDeviceSynchronize(), "memset");  // a stream of its own would not wait for it
  }
  void upload(std::span<const T> values) {
    check(cudaMemcpy(data(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice), "upload");
    check(cudaDeviceSynchronize(), "upload");
  }
  // Waits for the whole device. Fails the test when a guard page was written.
  std::vector<T> download() const {
    check(cudaDeviceSynchronize(), "waiting for the device");
    std::vector<unsigned char> all(static_cast<std::size_t>(memory_.n_bytes()));
    check(cudaMemcpy(all.data(), memory_.data(), all.size(), cudaMemcpyDeviceToHost), "download");
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (all[i] == 0xA5 && all[all.size() - 1 - i] == 0xA5) continue;
      ADD_FAILURE() << "a guard page was written";
      break;
    }
    std::vector<T> values(n_);
    std::memcpy(static_cast<void*>(values.data()), all.data() + kGuard, n_ * sizeof(T));
    return values;
  }

 private:
  static constexpr std::int64_t kGuard = 4096;
  std::int64_t bytes() const {
    return static_cast<std::int64_t>((n_ * sizeof(T) + 255) / 256 * 256);
  }
  std::size_t n_;
  DeviceBuffer memory_;
};

// ||a - b|| / ||b||; infinity when `a` holds what is not finite.
double relative_error(std::span<const float> a, std::span<const double> b);

}  // namespace tinyllm::cuda
