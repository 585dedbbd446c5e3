#pragma once
// K/V rows in pages (tensor/kv_pages.h draws them): writing one position, attending over many.
// Kwon et al. 2023, PagedAttention; online softmax: Milakov & Gimelshein 2018.

#include <cstdint>

#include "tensor/kv_pages.h"

namespace tinyllm::scalar {

// Row `offset` of block `block` becomes k, v. k, v: [head_dim] f32.
void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v);

// out[h] = softmax over p in [first, position] of (q[h] . K[p] * scale), times V[p].
// q, out: [n_q, head_dim] f32, the query heads that read this K/V head. block_table: [blocks of the
// row]. scratch: [n_q, kAttentionSegment] floats.
void paged_attention(const float* q, std::int32_t n_q, const KvPages& kv,
                     const std::int32_t* block_table, std::int32_t first, std::int32_t position,
                     float scale, float* out, float* scratch);

}  // namespace tinyllm::scalar
