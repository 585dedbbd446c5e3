#pragma once
// y = x W^T for few rows of x: the products of decoding, with what stands before and after them
// fused in. Weights stream from memory into the tensor cores; nothing else costs.

#include <cuda_bf16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device_context.h"
#include "kernels/cuda/weight_layout.h"

namespace tinyllm::cuda {

// A section of a packed matrix on the device (packed_weights.h).
struct LinearWeights {
  WeightFormat format = WeightFormat::bf16;
  const std::byte* data = nullptr;
  std::int32_t n_rows = 0;  // columns of y; of an interleaved matrix both parts together
  std::int32_t n_cols = 0;
  std::int32_t n_padded_rows = 0;
};

// The rows of x: bf16 as they are, or hidden states that are normalised on the way.
struct LinearInput {
  // [n, stride] bf16. Readable up to a multiple of 64 rows; columns beyond n_cols up to the
  // format's padding must be finite.
  const __nv_bfloat16* x = nullptr;
  // Or, with x null: rms_norm(hidden) with these weights. [n, n_cols] f32; at most 8 rows.
  const float* hidden = nullptr;
  const float* norm = nullptr;  // [n_cols] f32
  float norm_eps = 0.0f;
  std::int64_t stride = 0;  // elements from a row to the next, a multiple of 8
};

enum class LinearEpilogue : std::uint8_t {
  store,  // out = y + bias, f32
  add,    // out += y + bias, f32
  gate,   // gated = silu(y of gate + bias) * (y of up + bias), bf16; interleaved matrices only
};

struct LinearOutput {
  LinearEpilogue epilogue = LinearEpilogue::store;
  float* out = nullptr;            // [n, stride]
  __nv_bfloat16* gated = nullptr;  // [n, stride]
  std::int64_t stride = 0;
  const float* bias = nullptr;  // [n_rows]; gate: gate's, then up's; or null
};

// How the work is dealt out. 0: as the device and the shape suggest.
struct LinearTuning {
  int k_warps = 0;  // warps of a block that share the columns of the same rows
  int m_warps = 0;  // warps of a block with rows of their own
  int m_tiles = 0;  // tiles of 16 rows of each warp
  int cluster = 0;  // blocks that share the columns of the same rows
  int blocks_per_sm = 0;
};

// n rows of x, 1 <= n; more than 64 (int4_k: 32) are done so many at a time. Sums in f32, in an order that
// depends on the shape, n and the tuning, and on nothing else; where the context is deterministic, not on n.
void launch_linear(const DeviceContext& context, const LinearWeights& weights,
                   const LinearInput& input, std::int32_t n, const LinearOutput& output,
                   const LinearTuning& tuning = {});

// One thread an output, element by element, any format: the proof of launch_linear, and the first
// rung of its ladder. x only, not hidden.
void launch_naive_linear(const DeviceContext& context, const LinearWeights& weights,
                         const LinearInput& input, std::int32_t n, const LinearOutput& output);

// dst[row][col] = the weights of rows [first_row, first_row + n_rows) in bf16, rounded; for
// products of many rows. first_row: a multiple of 16. dst: [n_rows, padded_to(n_cols, 64)] bf16.
void launch_dequantise(const DeviceContext& context, const LinearWeights& weights,
                       std::int32_t first_row, std::int32_t n_rows, __nv_bfloat16* dst);

}  // namespace tinyllm::cuda
