#pragma once
// Shapes of real models for the CUDA bench programs, and small helpers around device memory.

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/device_memory.h"

namespace tinyllm::cuda {

struct ModelShape {
  const char* name;
  int n_layers, n_heads, n_kv_heads, head_dim;

  AttentionShape attention() const {
    return {n_heads, n_kv_heads, head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim)), 0};
  }
  int n_all_heads() const { return n_heads + 2 * n_kv_heads; }
};
inline constexpr ModelShape k05B = {"Qwen2.5-0.5B", 24, 14, 2, 64};
inline constexpr ModelShape k15B = {"Qwen2.5-1.5B", 28, 12, 2, 128};
inline constexpr ModelShape k7B = {"Qwen2.5-7B", 28, 28, 4, 128};
inline constexpr ModelShape k06B = {"Qwen3-0.6B", 28, 16, 8, 128};

template <typename T>
DeviceBuffer to_device(const std::vector<T>& values) {
  DeviceBuffer buffer(
      static_cast<std::int64_t>(std::max<std::size_t>(values.size(), 1) * sizeof(T)), "bench");
  check(cudaMemcpy(buffer.data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice),
        "upload");
  return buffer;
}

}  // namespace tinyllm::cuda
