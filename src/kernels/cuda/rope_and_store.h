#pragma once
// The tail of a layer's attention input: what stands between the product with q_proj, k_proj,
// v_proj and attention.

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/device_context.h"
#include "rope/rope_pairing.h"

namespace tinyllm::cuda {

struct RopeAndStoreShape {
  std::int32_t n_heads = 0, n_kv_heads = 0, head_dim = 0;  // head_dim: a multiple of 8, at most 256
  std::int32_t block_size = 0;                             // of the pages, a multiple of 16
  RopePairing pairing = RopePairing::split_halves;
  float norm_eps = 1e-6f;
};

struct RopeAndStoreInput {
  const std::int32_t* positions = nullptr;     // [n_tokens]
  const std::int32_t* slot_mapping = nullptr;  // [n_tokens] block * block_size + offset
  const float* bias = nullptr;    // [(n_heads + 2 n_kv_heads) head_dim] or null: there is none
  const float* q_norm = nullptr;  // [head_dim] or null
  const float* k_norm = nullptr;  // [head_dim] or null
  const float* cos = nullptr;     // [max_seq_len, head_dim / 2]
  const float* sin = nullptr;     // [max_seq_len, head_dim / 2]
};

// For each token t and its heads of qkv + bias: q and k go through RMSNorm over head_dim (where
// there are norms) and RoPE; q goes to `q` [n_tokens, n_heads, head_dim] bf16, k and v to slot
// slot_mapping[t] of the layer's pages (kv_layout.h). All in f32, rounded to bf16 at the end.
// qkv: [n_tokens, (n_heads + 2 n_kv_heads) head_dim] f32 or bf16. A negative slot stores nothing.
void launch_rope_and_store(const DeviceContext& context, const RopeAndStoreShape& shape,
                           const RopeAndStoreInput& input, std::int32_t n_tokens, const float* qkv,
                           __nv_bfloat16* q, __nv_bfloat16* pages);
void launch_rope_and_store(const DeviceContext& context, const RopeAndStoreShape& shape,
                           const RopeAndStoreInput& input, std::int32_t n_tokens,
                           const __nv_bfloat16* qkv, __nv_bfloat16* q, __nv_bfloat16* pages);

// The same, one thread a pair of elements and nothing shared: the proof of the fast one.
void launch_naive_rope_and_store(const DeviceContext& context, const RopeAndStoreShape& shape,
                                 const RopeAndStoreInput& input, std::int32_t n_tokens,
                                 const float* qkv, __nv_bfloat16* q, __nv_bfloat16* pages);

}  // namespace tinyllm::cuda
