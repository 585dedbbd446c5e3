// Bytes moved by launch_rms_norm: 6 a value (4 read, 2 written); 2048 rows of 3584: 44 MB, floor 9.6
// us on an H200. launch_gate: 6 a value of the result.

#include "kernels/cuda/norm.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kNormThreads = 256;

// A block a row, which stays in registers between the sum and the scaling: up to kKept float4 a
// thread; what is beyond is read again.
__global__ void __launch_bounds__(kNormThreads)
    rms_norm_kernel(const float* hidden, RowPicks picks, int n_cols, const float* norm, float eps,
                    __nv_bfloat16* out, std::int64_t stride, float* floats) {
  constexpr int kKept = 4;
  __shared__ float sums[kNormThreads / 32];
  let_next_kernel_start();
  wait_for_previous_kernel();
  const std::int64_t i = blockIdx.x;
  const std::int64_t row = picks.rows == nullptr ? i : picks.rows[i * picks.step];
  const auto* x = reinterpret_cast<const float4*>(hidden + row * n_cols);
  const int n = n_cols / 4, tid = static_cast<int>(threadIdx.x);
  float4 kept[kKept];
  float squares = 0.0f;
#pragma unroll
  for (int k = 0; k < kKept; ++k) {
    kept[k] = tid + k * kNormThreads < n ? x[tid + k * kNormThreads] : float4{};
    squares += kept[k].x * kept[k].x + kept[k].y * kept[k].y + kept[k].z * kept[k].z +
               kept[k].w * kept[k].w;
  }
  for (int k = tid + kKept * kNormThreads; k < n; k += kNormThreads) {
    const float4 v = x[k];
    squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    squares += __shfl_xor_sync(0xffffffffu, squares, distance);
  if (tid % 32 == 0) sums[tid / 32] = squares;
  __syncthreads();
  float sum = 0.0f;
#pragma unroll
  for (const float part : sums) sum += part;
  const float factor = rsqrtf(sum / static_cast<float>(n_cols) + eps);
  const auto write = [&](int k, const float4& v) {
    const float4 w = reinterpret_cast<const float4*>(norm)[k];
    const float4 y = {v.x * factor * w.x, v.y * factor * w.y, v.z * factor * w.z,
                      v.w * factor * w.w};
    *reinterpret_cast<uint2*>(out + i * stride + 4 * k) = {pack_bf16(y.x, y.y),
                                                           pack_bf16(y.z, y.w)};
    if (floats != nullptr) reinterpret_cast<float4*>(floats + i * n_cols)[k] = y;
  };
#pragma unroll
  for (int k = 0; k < kKept; ++k) {
    if (tid + k * kNormThreads < n) write(tid + k * kNormThreads, kept[k]);
  }
  for (int k = tid + kKept * kNormThreads; k < n; k += kNormThreads) write(k, x[k]);
}

__device__ __forceinline__ float gated_value(float gate, float up) {
  return gate / (1.0f + __expf(-gate)) * up;
}

// A thread makes 8 columns of a row.
__global__ void gate_kernel(const uint4* gate_up, std::int64_t n_octets, int octets_a_row,
                            int n_cols, const float* bias, __nv_bfloat16* gated,
                            std::int64_t stride) {
  let_next_kernel_start();
  wait_for_previous_kernel();
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= n_octets) return;
  const std::int64_t row = i / octets_a_row;
  const int column = static_cast<int>(i % octets_a_row) * 8;
  const uint4 gates = gate_up[2 * i], ups = gate_up[2 * i + 1];
  const std::uint32_t g[4] = {gates.x, gates.y, gates.z, gates.w};
  const std::uint32_t u[4] = {ups.x, ups.y, ups.z, ups.w};
  std::uint32_t y[4];
#pragma unroll
  for (int p = 0; p < 4; ++p) {
    float2 gate = {low_bf16(g[p]), high_bf16(g[p])}, up = {low_bf16(u[p]), high_bf16(u[p])};
    if (bias != nullptr) {
      const int j = min(column + 2 * p, n_cols - 1), k = min(column + 2 * p + 1, n_cols - 1);
      gate.x += bias[j];
      gate.y += bias[k];
      up.x += bias[n_cols + j];
      up.y += bias[n_cols + k];
    }
    y[p] = pack_bf16(gated_value(gate.x, up.x), gated_value(gate.y, up.y));
  }
  __nv_bfloat16* out = gated + row * stride + column;
  if (column + 8 <= n_cols) {
    *reinterpret_cast<uint4*>(out) = {y[0], y[1], y[2], y[3]};
    return;
  }
  for (int k = 0; column + k < n_cols; ++k)
    out[k] = __float2bfloat16(k % 2 == 0 ? low_bf16(y[k / 2]) : high_bf16(y[k / 2]));
}

__global__ void add_bias_kernel(float* out, std::int64_t n, int n_cols, const float* bias) {
  let_next_kernel_start();
  wait_for_previous_kernel();
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < n) out[i] += bias[i % n_cols];
}

dim3 blocks_for(std::int64_t n) { return dim3(static_cast<unsigned>((n + 255) / 256)); }

}  // namespace

void launch_rms_norm(const DeviceContext& context, const float* hidden, RowPicks picks,
                     std::int32_t n, std::int32_t n_cols, const float* norm, float eps,
                     __nv_bfloat16* out, std::int64_t stride, float* floats) {
  launch(context, "rms_norm", rms_norm_kernel, {dim3(static_cast<unsigned>(n)), dim3(kNormThreads)},
         hidden, picks, n_cols, norm, eps, out, stride, floats);
}

void launch_gate(const DeviceContext& context, const __nv_bfloat16* gate_up, std::int32_t n,
                 std::int32_t n_cols, const float* bias, __nv_bfloat16* gated,
                 std::int64_t stride) {
  const int octets = (n_cols + 7) / 8;
  const std::int64_t n_octets = std::int64_t{n} * octets;
  launch(context, "gate", gate_kernel, {blocks_for(n_octets), dim3(256)},
         reinterpret_cast<const uint4*>(gate_up), n_octets, octets, n_cols, bias, gated, stride);
}

void launch_add_bias(const DeviceContext& context, float* out, std::int32_t n, std::int32_t n_cols,
                     const float* bias) {
  const std::int64_t n_values = std::int64_t{n} * n_cols;
  launch(context, "add bias", add_bias_kernel, {blocks_for(n_values), dim3(256)}, out, n_values,
         n_cols, bias);
}

}  // namespace tinyllm::cuda
