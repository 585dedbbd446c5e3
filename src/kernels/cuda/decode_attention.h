#pragma once
// Attention of few new tokens over many positions: one token of each of many sequences, or the 2 to
// 8 tokens that verify a draft.

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/attention_plan.h"
#include "kernels/cuda/device_context.h"

namespace tinyllm::cuda {

// The K/V pages of one layer (kv_layout.h), and how a sequence finds its own.
struct KvView {
  const __nv_bfloat16* pages = nullptr;
  const std::int32_t* blocks = nullptr;  // StepBatch::blocks on the device
  std::int32_t block_size = 0;           // a multiple of 16
  std::int32_t n_kv_heads = 0;
};

struct AttentionShape {
  std::int32_t n_heads = 0;
  std::int32_t n_kv_heads = 0;
  std::int32_t head_dim = 0;
  float scale = 0.0f;
  std::int32_t window = 0;  // positions that a token sees, its own included; 0: all
  constexpr std::int32_t group_size() const { return n_heads / n_kv_heads; }
};

// The plan on the device, and where parts wait to be merged.
struct DecodePlanView {
  const AttentionSegment* segments = nullptr;
  const std::int32_t* slot_starts = nullptr;  // [n_slots + 1]
  std::int32_t n_slots = 0;
  std::int32_t max_rows = 0;         // AttentionPlanSizes::max_rows: 16 or 32
  float* parts = nullptr;            // [n_parts, n_kv_heads, max_rows, head_dim]
  float2* part_sums = nullptr;       // [n_parts, n_kv_heads, max_rows] largest score and sum
  std::int32_t* counters = nullptr;  // [n_merges, n_kv_heads], 0 before and after
};

// Which plan sizes fit a device and a shape.
AttentionPlanSizes decode_plan_sizes(const DeviceContext& context, const AttentionShape& shape,
                                     std::int32_t max_rows);
// Head dimensions that launch_decode_attention has code for; others go to the naive twin.
bool has_decode_attention(std::int32_t head_dim);

// out[t] = softmax(q[t] K^T scale) V over the positions of t's sequence up to its own, and within
// the window. q, out: [n_tokens, n_heads, head_dim] bf16, out must not be q. Scores and sums in
// f32, probabilities and values in bf16. All ranges' positions stand in the pages already.
void launch_decode_attention(const DeviceContext& context, const AttentionShape& shape,
                             const KvView& kv, const DecodePlanView& plan, const __nv_bfloat16* q,
                             __nv_bfloat16* out);

// The same for any head_dim that is a multiple of 8, one token and head after the other: the proof
// of the fast ones, and the path of shapes that they do not know. positions, block_begins:
// [n_tokens] of each token.
void launch_naive_attention(const DeviceContext& context, const AttentionShape& shape,
                            const KvView& kv, const std::int32_t* positions,
                            const std::int32_t* block_begins, std::int32_t n_tokens,
                            const __nv_bfloat16* q, __nv_bfloat16* out);

}  // namespace tinyllm::cuda
