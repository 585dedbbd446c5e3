#pragma once
// What stands between products when they are too large to have it fused in.

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/device_context.h"

namespace tinyllm::cuda {

// Which rows of the hidden states: row i is rows[i * step], or i with rows null. The first field of
// an array of structs serves as it is.
struct RowPicks {
  const std::int32_t* rows = nullptr;
  std::int32_t step = 1;  // in 4-byte words
};

// out[i] = rms_norm(hidden[pick i]) * norm. hidden: [.., n_cols] f32, n_cols a multiple of 4; out:
// [n, stride] bf16, columns beyond n_cols are left alone; floats: [n, n_cols] f32 or null, the same
// before rounding.
void launch_rms_norm(const DeviceContext& context, const float* hidden, RowPicks picks,
                     std::int32_t n, std::int32_t n_cols, const float* norm, float eps,
                     __nv_bfloat16* out, std::int64_t stride, float* floats = nullptr);

// gated[i][j] = silu(gate + bias) * (up + bias). gate_up: [n, 2 n_padded] bf16, interleaved by 8
// (weight_layout.h); gated: [n, stride]; bias: gate's n_cols, then up's, or null.
void launch_gate(const DeviceContext& context, const __nv_bfloat16* gate_up, std::int32_t n,
                 std::int32_t n_cols, const float* bias, __nv_bfloat16* gated, std::int64_t stride);

// out[i] += bias. out: [n, n_cols] f32.
void launch_add_bias(const DeviceContext& context, float* out, std::int32_t n, std::int32_t n_cols,
                     const float* bias);

}  // namespace tinyllm::cuda
