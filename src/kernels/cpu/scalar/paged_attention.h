#pragma once
// Keys and values in pages (layout/kv_pages.h says how they lie): writing one position, attending
// over many. Pages: Kwon et al. 2023, PagedAttention. Partial softmax: Milakov & Gimelshein 2018,
// Dao et al. 2023.

#include <cstdint>

#include "kernels/cpu/layout/attention_queries.h"
#include "kernels/cpu/layout/kv_pages.h"

namespace tinyllm::scalar {

// Row `offset` of block `block` becomes k, v. k, v: [head_dim] f32.
void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v);

// The entries of AttentionKernels: attention in segments whose partial results merge ascending,
// whole or in two steps.
void attend_pages(const AttentionQueries& queries, const KvPages& kv,
                  const std::int32_t* block_table, float scale, float* scratch);
void make_partials(const AttentionQueries& queries, const KvPages& kv,
                   const std::int32_t* block_table, float scale, std::int32_t first_segment,
                   std::int32_t end_segment, float* partials, float* scratch);
void merge_partials(const AttentionQueries& queries, const KvPages& kv, const float* partials,
                    float* scratch);

}  // namespace tinyllm::scalar
