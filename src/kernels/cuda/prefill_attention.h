#pragma once
// Attention of many new tokens: chunks of prompts, from any position.

#include <cuda_bf16.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/attention_plan.h"
#include "kernels/cuda/decode_attention.h"

namespace tinyllm::cuda {

inline constexpr int kPrefillRows = 128;  // of a tile

// Up to 128 rows of one K/V head, where row r is head r % group_size of token
// first_token + r / group_size. Plain bytes.
struct PrefillTile {
  std::int32_t first_token, first_position, block_begin;
  std::int32_t row_begin, n_rows;
  std::int32_t n_positions;  // of the sequence, in the pages: what lies behind is undefined
};

// The tiles of the ranges, those with most positions first: a device that takes them in this order
// ends evenly.
void plan_prefill(std::span<const AttentionRange> ranges, std::int32_t group_size,
                  std::vector<PrefillTile>& tiles);

// Whether this device and head_dim have the fast kernel (Hopper; 64 and 128). Others go through
// launch_decode_attention, 32 rows at a time.
bool has_prefill_attention(const DeviceContext& context, std::int32_t head_dim);

// As launch_decode_attention; tiles: [n_tiles] on the device.
void launch_prefill_attention(const DeviceContext& context, const AttentionShape& shape,
                              const KvView& kv, const PrefillTile* tiles, std::int32_t n_tiles,
                              const __nv_bfloat16* q, __nv_bfloat16* out);

}  // namespace tinyllm::cuda
