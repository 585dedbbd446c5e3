#pragma once
// The products with experts' weights of each format: one file, one object each, since they compile
// slowly. What they are asked for is filled in by experts.cpp.

#include "kernels/cuda/experts.h"

namespace tinyllm::cuda {

enum class ExpertOutput : std::uint8_t {
  gate,   // gated[row] = weight[row] silu(gate) up, bf16
  store,  // out[row] = y, f32
  add,    // out[token] += the sum over the token's n_slots chunks, f32
};

struct ExpertArgs {
  const ExpertChunk* chunks = nullptr;
  const std::int32_t* n_chunks = nullptr;  // or, where it is null: n_units
  int n_units = 0;                         // chunks; add: tokens
  int n_slots = 1;                         // chunks of a token; but for `add` one
  const std::int32_t* tokens = nullptr;    // whose x a row takes; null: row r takes x[r]
  const __nv_bfloat16* x = nullptr;
  std::uint32_t x_stride = 0;  // in 8 elements
  bool is_down = false;        // which matrix
  int n_results = 0;           // columns of the result
  int n_tiles = 0;             // of 16 rows of the matrix
  ExpertOutput output = ExpertOutput::store;
  const float* weights = nullptr;  // [rows]
  __nv_bfloat16* gated = nullptr;
  float* out = nullptr;
  std::int64_t stride = 0;  // of gated or out
  // Filled in by launch_expert_format.
  int n_blocks = 0;  // of columns
  int n_groups = 0;  // of m_warps tiles
  int k_warps = 0, m_warps = 0;
  int cluster = 1;  // blocks that share the columns of an item
};

// n_cols: of the matrix. max_units: as many there may be.
using LaunchExperts = void(const DeviceContext& context, ExpertArgs args, int n_cols, int max_units,
                           int chunk_rows);

LaunchExperts launch_experts_bf16, launch_experts_int8, launch_experts_int8_k,
    launch_experts_int8_min, launch_experts_int4, launch_experts_int4_k;

}  // namespace tinyllm::cuda
