#include "kernels/cpu/scalar/paged_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tensor/float16.h"

namespace tinyllm::scalar {
namespace {

std::byte* place(const KvPages& kv, std::int32_t block, std::int64_t element) {
  return kv.pages + block * kv.block_stride + element * bits(kv.type) / 8;
}

std::int64_t key_element(const KvPages& kv, std::int32_t offset, std::int32_t d) {
  return std::int64_t{d} * kv.block_size + offset;
}

std::int64_t value_element(const KvPages& kv, std::int32_t offset, std::int32_t d) {
  return std::int64_t{kv.block_size + offset} * kv.head_dim + d;
}

void store(const KvPages& kv, std::byte* at, float value) {
  if (kv.type == KvType::bf16) {
    const std::uint16_t half = f32_to_bf16(value);
    std::memcpy(at, &half, sizeof half);
  } else {
    std::memcpy(at, &value, sizeof value);
  }
}

// With a scale: the code's value without it. Of q4 the byte, whose low bits are meant or its high ones.
float load(const KvPages& kv, const std::byte* at, bool high = false) {
  switch (kv.type) {
    case KvType::f32: break;
    case KvType::bf16: {
      std::uint16_t half = 0;
      std::memcpy(&half, at, sizeof half);
      return bf16_to_f32(half);
    }
    case KvType::int8: return static_cast<float>(static_cast<std::int8_t>(*at));
    case KvType::fp8: return e4m3_to_f32(static_cast<std::uint8_t>(*at));
    case KvType::q4: {
      const auto pair = static_cast<std::uint8_t>(*at);
      return static_cast<float>(kQ4Levels[high ? pair >> 4 : pair & 15]);
    }
  }
  float value = 0.0f;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Pages of q4, byte by byte: a key's of dimension d, and where the bytes of a position's value begin.
std::byte* q4_key(const KvPages& kv, std::int32_t block, std::int32_t offset, std::int32_t d) {
  return kv.pages + block * kv.block_stride + std::int64_t{d} * kv.block_size + offset;
}
std::byte* q4_value(const KvPages& kv, std::int32_t block, std::int32_t offset) {
  return kv.pages + block * kv.block_stride +
         std::int64_t{kv.block_size + offset} * (kv.head_dim / 2);
}

float load_key(const KvPages& kv, std::int32_t block, std::int32_t offset, std::int32_t d) {
  if (kv.type != KvType::q4) return load(kv, place(kv, block, key_element(kv, offset, d)));
  const std::int32_t half = kv.head_dim / 2;
  return load(kv, q4_key(kv, block, offset, d % half), d >= half);
}

float load_value(const KvPages& kv, std::int32_t block, std::int32_t offset, std::int32_t d) {
  if (kv.type != KvType::q4) return load(kv, place(kv, block, value_element(kv, offset, d)));
  const std::int32_t half = kv.head_dim / 2;
  return load(kv, q4_value(kv, block, offset) + d % half, d >= half);
}

// The functions that make a query's bits are never inlined. The compiler may reorder additions in
// this folder, and a function that is compiled once does so in one way only.

// The partial of one query over positions [begin, end) of a segment. scores: [kAttentionSegment]
[[gnu::noinline]] void attend(const float* q, const KvPages& kv, const std::int32_t* block_table,
                              std::int32_t begin, std::int32_t end, float scale, float* partial,
                              float* scores) {
  float max = -std::numeric_limits<float>::infinity(), sum = 0.0f;
  for (std::int32_t p = begin; p < end; ++p) {
    const std::int32_t block = block_table[p / kv.block_size], offset = p % kv.block_size;
    float dot = 0.0f;
    for (std::int32_t d = 0; d < kv.head_dim; ++d) {
      dot += q[d] * load_key(kv, block, offset, d);
    }
    if (has_scales(kv.type)) dot *= kv.key_scales(block)[offset];
    scores[p - begin] = dot * scale;
    max = std::max(max, scores[p - begin]);
  }
  std::fill(partial, partial + kv.head_dim, 0.0f);
  for (std::int32_t p = begin; p < end; ++p) {
    const std::int32_t block = block_table[p / kv.block_size], offset = p % kv.block_size;
    float weight = std::exp(scores[p - begin] - max);
    sum += weight;
    if (has_scales(kv.type)) weight *= kv.value_scales(block)[offset];
    for (std::int32_t d = 0; d < kv.head_dim; ++d) {
      partial[d] += weight * load_value(kv, block, offset, d);
    }
  }
  partial[kv.head_dim] = max;
  partial[kv.head_dim + 1] = sum;
}

// acc becomes the partial of all positions that acc and `partial` cover.
[[gnu::noinline]] void merge(float* acc, const float* partial, std::int32_t head_dim) {
  const float max = std::max(acc[head_dim], partial[head_dim]);
  const float old_factor = std::exp(acc[head_dim] - max);
  const float factor = std::exp(partial[head_dim] - max);
  for (std::int32_t d = 0; d < head_dim; ++d) acc[d] = acc[d] * old_factor + partial[d] * factor;
  acc[head_dim] = max;
  acc[head_dim + 1] = acc[head_dim + 1] * old_factor + partial[head_dim + 1] * factor;
}

void begin_partial(float* acc, std::int32_t head_dim) {
  std::fill(acc, acc + head_dim, 0.0f);
  acc[head_dim] = -std::numeric_limits<float>::infinity();
  acc[head_dim + 1] = 0.0f;
}

[[gnu::noinline]] void finish(const AttentionQueries& queries, std::int32_t query,
                              std::int32_t head_dim, const float* acc) {
  float* out = queries.out_of(query, head_dim);
  for (std::int32_t d = 0; d < head_dim; ++d) out[d] = acc[d] / acc[head_dim + 1];
}

// The partial of one query over what it sees of a segment.
void attend_segment(const AttentionQueries& queries, std::int32_t query, std::int32_t segment,
                    const KvPages& kv, const std::int32_t* block_table, float scale, float* partial,
                    float* scores) {
  const SeenPositions seen = queries.seen(queries.token_of(query), segment);
  attend(queries.meeting(segment).q_of(query, kv.head_dim), kv, block_table, seen.begin, seen.end,
         scale, partial, scores);
}

}  // namespace

void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v) {
  if (kv.type == KvType::int8) {
    const auto codes = [&](std::int64_t element) {
      return reinterpret_cast<std::int8_t*>(place(kv, block, element));
    };
    kv.key_scales(block)[offset] =
        quantise_kv(k, kv.head_dim, codes(key_element(kv, offset, 0)), kv.block_size);
    kv.value_scales(block)[offset] =
        quantise_kv(v, kv.head_dim, codes(value_element(kv, offset, 0)), 1);
    return;
  }
  if (kv.type == KvType::fp8 || kv.type == KvType::q4) {
    const bool q4 = kv.type == KvType::q4;
    const auto quantise = q4 ? quantise_kv_q4 : quantise_kv_fp8;
    std::byte* key = place(kv, block, key_element(kv, offset, 0));
    std::byte* value = place(kv, block, value_element(kv, offset, 0));
    if (q4) key = q4_key(kv, block, offset, 0), value = q4_value(kv, block, offset);
    kv.key_scales(block)[offset] =
        quantise(k, kv.head_dim, reinterpret_cast<std::uint8_t*>(key), kv.block_size);
    kv.value_scales(block)[offset] =
        quantise(v, kv.head_dim, reinterpret_cast<std::uint8_t*>(value), 1);
    return;
  }
  for (std::int32_t d = 0; d < kv.head_dim; ++d) {
    store(kv, place(kv, block, key_element(kv, offset, d)), k[d]);
    store(kv, place(kv, block, value_element(kv, offset, d)), v[d]);
  }
}

void attend_pages(const AttentionQueries& queries, const KvPages& kv,
                  const std::int32_t* block_table, float scale, float* scratch) {
  float* acc = scratch;
  float* partial = acc + attention_partial_floats(kv.head_dim);
  float* scores = partial + attention_partial_floats(kv.head_dim);
  for (std::int32_t i = 0; i < queries.n_queries(); ++i) {
    begin_partial(acc, kv.head_dim);
    for (std::int32_t s = queries.first_segment(); s < queries.end_segment(); ++s) {
      if (!queries.sees(queries.token_of(i), s)) continue;
      attend_segment(queries, i, s, kv, block_table, scale, partial, scores);
      merge(acc, partial, kv.head_dim);
    }
    finish(queries, i, kv.head_dim, acc);
  }
}

void make_partials(const AttentionQueries& queries, const KvPages& kv,
                   const std::int32_t* block_table, float scale, std::int32_t first_segment,
                   std::int32_t end_segment, float* partials, float* scratch) {
  for (std::int32_t s = first_segment; s < end_segment; ++s) {
    for (std::int32_t i = 0; i < queries.n_queries(); ++i) {
      if (!queries.sees(queries.token_of(i), s)) continue;
      float* partial = partials + queries.partial_row(s, i) * attention_partial_floats(kv.head_dim);
      attend_segment(queries, i, s, kv, block_table, scale, partial, scratch);
    }
  }
}

void merge_partials(const AttentionQueries& queries, const KvPages& kv, const float* partials,
                    float* scratch) {
  const std::int32_t head_dim = kv.head_dim;
  for (std::int32_t i = 0; i < queries.n_queries(); ++i) {
    begin_partial(scratch, head_dim);
    for (std::int32_t s = queries.first_segment(); s < queries.end_segment(); ++s) {
      if (!queries.sees(queries.token_of(i), s)) continue;
      merge(scratch, partials + queries.partial_row(s, i) * attention_partial_floats(head_dim),
            head_dim);
    }
    finish(queries, i, head_dim, scratch);
  }
}

}  // namespace tinyllm::scalar
