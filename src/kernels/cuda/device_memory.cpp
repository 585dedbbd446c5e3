#include "kernels/cuda/device_memory.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "kernels/cuda/device_context.h"

namespace tinyllm::cuda {
namespace {

constexpr std::int64_t kAlignment = 256;
constexpr std::int64_t kChunkBytes = std::int64_t{64} << 20;

}  // namespace

DeviceBuffer::DeviceBuffer(std::int64_t n_bytes, const char* what) : n_bytes_(n_bytes) {
  if (n_bytes == 0) return;
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, static_cast<std::size_t>(n_bytes));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t n_free = 0, n_total = 0;
    cudaMemGetInfo(&n_free, &n_total);
    fail(ErrorCode::out_of_memory, "the GPU has no {} MiB for {}; {} of {} MiB are free",
         n_bytes >> 20, what, n_free >> 20, n_total >> 20);
  }
  check(status, what);
  data_ = static_cast<std::byte*>(data);
}

DeviceBuffer::~DeviceBuffer() {
  if (data_ != nullptr) cudaFree(data_);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), n_bytes_(std::exchange(other.n_bytes_, 0)) {}

DeviceBuffer& DeviceBuffer::operator=(DeviceBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(n_bytes_, other.n_bytes_);
  return *this;
}

DeviceBuffer zeroed(std::int64_t n_bytes, const char* what) {
  DeviceBuffer buffer(n_bytes, what);
  if (n_bytes > 0) check(cudaMemset(buffer.data(), 0, static_cast<std::size_t>(n_bytes)), what);
  return buffer;
}

PinnedBuffer::PinnedBuffer(std::int64_t n_bytes, const char* what) : n_bytes_(n_bytes) {
  if (n_bytes == 0) return;
  void* data = nullptr;
  check(cudaMallocHost(&data, static_cast<std::size_t>(n_bytes)), what);
  data_ = static_cast<std::byte*>(data);
}

PinnedBuffer::~PinnedBuffer() {
  if (data_ != nullptr) cudaFreeHost(data_);
}

PinnedBuffer::PinnedBuffer(PinnedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), n_bytes_(std::exchange(other.n_bytes_, 0)) {}

PinnedBuffer& PinnedBuffer::operator=(PinnedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(n_bytes_, other.n_bytes_);
  return *this;
}

std::byte* DeviceArena::take(std::int64_t n_bytes) {
  const std::int64_t wanted = (n_bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (chunks_.empty() || used_ + wanted > chunks_.back().n_bytes()) {
    chunks_.emplace_back(std::max(wanted, kChunkBytes), what_);
    used_ = 0;
  }
  std::byte* taken = chunks_.back().data() + used_;
  used_ += wanted;
  n_taken_ += n_bytes;
  return taken;
}

}  // namespace tinyllm::cuda
