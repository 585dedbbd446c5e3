// Attention as its formula says it: one block for each token and head. Every warp takes each eighth
// position, its lanes share the dimensions; the warps' sums are added at the end.
// Bytes moved: group_size times those of decode_attention.cu, since each query head reads its keys
// and values by itself.

#include <cuda_runtime.h>

#include "base/check.h"
#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/kv_layout.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kMaxHeadDim = 256;

__device__ float sum_of_warp(float x) {
  for (int offset = 16; offset > 0; offset /= 2) x += __shfl_xor_sync(~0u, x, offset);
  return x;
}

__global__ __launch_bounds__(kWarps * 32) void naive_attention_kernel(
    AttentionShape shape, KvView kv, const std::int32_t* positions,
    const std::int32_t* block_begins, const __nv_bfloat16* q, __nv_bfloat16* out) {
  let_next_kernel_start();
  wait_for_previous_kernel();
  __shared__ float sums[kWarps][kMaxHeadDim];
  __shared__ float maxima[kWarps], totals[kWarps];
  const int token = blockIdx.y, head = blockIdx.x, kv_head = head / shape.group_size();
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, dim = shape.head_dim;
  const std::int64_t row = (std::int64_t{token} * shape.n_heads + head) * dim;
  const int last = positions[token];
  const int first = shape.window > 0 ? max(last - shape.window + 1, 0) : 0;

  float result[kMaxHeadDim / 32] = {}, largest = -INFINITY, total = 0.0f;
  for (int position = first + warp; position <= last; position += kWarps) {
    const std::int64_t block = kv.blocks[block_begins[token] + position / kv.block_size];
    const std::int64_t slot = block * kv.block_size + position % kv.block_size;
    const __nv_bfloat16* keys =
        kv.pages + kv_group_start(slot, kv_head, kv.n_kv_heads, kv.block_size, dim);
    const __nv_bfloat16* values = keys + kKvGroup * dim;
    float score = 0.0f;
    for (int d = lane; d < dim; d += 32)
      score += __bfloat162float(q[row + d]) *
               __bfloat162float(keys[kv_elem_in_group(position % kKvGroup, d, dim)]);
    score = sum_of_warp(score) * shape.scale;
    const float now = fmaxf(largest, score);
    const float shrink = expf(largest - now), weight = expf(score - now);
    largest = now;
    total = total * shrink + weight;
#pragma unroll
    for (int i = 0; i < kMaxHeadDim / 32; ++i) {
      const int d = lane + i * 32;
      if (d < dim)
        result[i] =
            result[i] * shrink +
            weight * __bfloat162float(values[kv_elem_in_group(position % kKvGroup, d, dim)]);
    }
  }
#pragma unroll
  for (int i = 0; i < kMaxHeadDim / 32; ++i) {
    if (lane + i * 32 < dim) sums[warp][lane + i * 32] = result[i];
  }
  maxima[warp] = largest;
  totals[warp] = total;
  __syncthreads();
  float common = -INFINITY;
  for (int w = 0; w < kWarps; ++w) common = fmaxf(common, maxima[w]);
  for (int d = threadIdx.x; d < dim; d += kWarps * 32) {
    float sum = 0.0f, divisor = 0.0f;
    for (int w = 0; w < kWarps; ++w) {
      if (maxima[w] == -INFINITY) continue;  // it had no position
      const float weight = expf(maxima[w] - common);
      sum += weight * sums[w][d];
      divisor += weight * totals[w];
    }
    out[row + d] = __float2bfloat16(sum / divisor);
  }
}

}  // namespace

void launch_naive_attention(const DeviceContext& context, const AttentionShape& shape,
                            const KvView& kv, const std::int32_t* positions,
                            const std::int32_t* block_begins, std::int32_t n_tokens,
                            const __nv_bfloat16* q, __nv_bfloat16* out) {
  CHECK(shape.head_dim % 8 == 0 && shape.head_dim <= kMaxHeadDim, "head_dim {}", shape.head_dim);
  const LaunchShape launch_shape = {
      .grid = dim3(static_cast<unsigned>(shape.n_heads), static_cast<unsigned>(n_tokens)),
      .block = dim3(kWarps * 32)};
  launch(context, "naive attention", naive_attention_kernel, launch_shape, shape, kv, positions,
         block_begins, q, out);
}

}  // namespace tinyllm::cuda
