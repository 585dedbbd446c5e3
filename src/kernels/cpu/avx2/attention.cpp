// Writing K/V rows into pages, and causal attention of some queries over them.

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"

namespace tinyllm::avx2 {
namespace {

struct F32 {
  static constexpr int kBytes = 4;
  static constexpr bool kScaled = false;
  static __m256 load(const byte* at) { return _mm256_loadu_ps(reinterpret_cast<const float*>(at)); }
  static void store(byte* at, float value) { __builtin_memcpy(at, &value, 4); }
};

struct Bf16 {
  static constexpr int kBytes = 2;
  static constexpr bool kScaled = false;
  static __m256 load(const byte* at) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
  static void store(byte* at, float value) {  // round to nearest even, NaN stays NaN
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    const bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    bits = nan ? bits | 0x400000u : bits + 0x7FFFu + (bits >> 16 & 1u);
    const auto half = static_cast<std::uint16_t>(bits >> 16);
    __builtin_memcpy(at, &half, 2);
  }
};

struct Int8 {
  static constexpr int kBytes = 1;
  static constexpr bool kScaled = true;  // by the scale of the position
  static __m256 load(const byte* at) {
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes));
  }
};

void store_kv_int8(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
                   const float* v) {
  auto* keys = reinterpret_cast<std::int8_t*>(kv.pages + block * kv.block_stride);
  std::int8_t* values = keys + static_cast<std::int64_t>(kv.head_dim) * kv.block_size;
  kv.key_scales(block)[offset] = quantise_kv(k, kv.head_dim, keys + offset, kv.block_size);
  kv.value_scales(block)[offset] =
      quantise_kv(v, kv.head_dim, values + static_cast<std::int64_t>(offset) * kv.head_dim, 1);
}

template <typename Element>
void store_kv_as(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
                 const float* v) {
  byte* keys = kv.pages + block * kv.block_stride;
  byte* values = keys + static_cast<std::int64_t>(kv.head_dim) * kv.block_size * Element::kBytes;
  for (std::int32_t d = 0; d < kv.head_dim; ++d) {
    Element::store(keys + (static_cast<std::int64_t>(d) * kv.block_size + offset) * Element::kBytes,
                   k[d]);
    Element::store(values + (static_cast<std::int64_t>(offset) * kv.head_dim + d) * Element::kBytes,
                   v[d]);
  }
}

constexpr int kTile =
    6;  // queries that share a load of keys or values: 2 x 6 sums, 2 loads, 1 query
static_assert(kTile <= kMaxAttentionQueries);

// A query head of one token. It sees the positions [begin, end).
struct Query {
  const float* q;
  float* out;
  std::int32_t begin, end;
  float max, sum;  // of the scores and weights of the segments so far

  std::int32_t first_in(std::int32_t segment) const { return begin > segment ? begin : segment; }
  std::int32_t end_in(std::int32_t segment) const {
    return end < segment + kAttentionSegment ? end : segment + kAttentionSegment;
  }
};

const byte* key_page(const KvPages& kv, const std::int32_t* block_table, std::int32_t p,
                     int element_bytes) {
  return kv.pages + block_table[p / kv.block_size] * kv.block_stride +
         static_cast<std::int64_t>(p % kv.block_size) * element_bytes;
}

// scores[h][p - segment] = q[h] . K[p] for p in [segment, end), 16 at a time. What lies past the
// end or before a query's own begin holds anything. transposed: [head_dim][kQueries].
template <typename Element, int kQueries>
void score_segment(const float* transposed, const KvPages& kv, const std::int32_t* block_table,
                   std::int32_t segment, std::int32_t end, float* scores) {
  const std::int64_t stride = static_cast<std::int64_t>(kv.block_size) * Element::kBytes;
  for (std::int32_t p = segment; p < end; p += 16) {  // 8 positions of one block, and 8 more
    const byte* keys_0 = key_page(kv, block_table, p, Element::kBytes);
    const byte* keys_1 = p + 8 < end ? key_page(kv, block_table, p + 8, Element::kBytes) : keys_0;
    __m256 dots[kQueries][2];
    for (int h = 0; h < kQueries; ++h) dots[h][0] = dots[h][1] = _mm256_setzero_ps();
    const float* q = transposed;
    for (std::int32_t d = 0; d < kv.head_dim; ++d) {
      const __m256 key_0 = Element::load(keys_0 + d * stride);
      const __m256 key_1 = Element::load(keys_1 + d * stride);
#pragma GCC unroll 6
      for (int h = 0; h < kQueries; ++h) {
        const __m256 value = _mm256_broadcast_ss(q + h);
        dots[h][0] = _mm256_fmadd_ps(value, key_0, dots[h][0]);
        dots[h][1] = _mm256_fmadd_ps(value, key_1, dots[h][1]);
      }
      q += kQueries;
    }
    for (int h = 0; h < kQueries; ++h) {
      float* place = scores + h * kAttentionSegment + (p - segment);
      _mm256_storeu_ps(place, dots[h][0]);
      _mm256_storeu_ps(place + 8, dots[h][1]);
    }
  }
}

// rows[h][p - segment] *= the scale of position p, for p in [segment, end), 8 at a time.
template <typename Scales>
void scale_positions(const Scales& scales_of, const KvPages& kv, const std::int32_t* block_table,
                     std::int32_t segment, std::int32_t end, std::int32_t n_rows, float* rows) {
  for (std::int32_t p = segment; p < end; p += 8) {
    const float* at = scales_of(block_table[p / kv.block_size]) + p % kv.block_size;
    const __m256 scales = _mm256_loadu_ps(at);
    for (std::int32_t h = 0; h < n_rows; ++h) {
      float* place = rows + h * kAttentionSegment + (p - segment);
      _mm256_storeu_ps(place, _mm256_mul_ps(_mm256_loadu_ps(place), scales));
    }
  }
}

// One online-softmax step: scores of [begin, end) become weights, out and sum of earlier segments
// are scaled to the new maximum. Positions of the segment outside weigh 0.
void softmax_step(float* scores, std::int32_t begin, std::int32_t end, float scale, Query& query,
                  std::int32_t head_dim) {
  const __m256 lowest = _mm256_set1_ps(-__builtin_inff()), factor = _mm256_set1_ps(scale);
  const __m256i first = _mm256_set1_epi32(begin), last = _mm256_set1_epi32(end - 1);
  __m256i position = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256 largest = _mm256_set1_ps(query.max);
  for (std::int32_t i = 0; i < end; i += 8) {
    const __m256i outside =
        _mm256_or_si256(_mm256_cmpgt_epi32(first, position), _mm256_cmpgt_epi32(position, last));
    const __m256 score = _mm256_blendv_ps(_mm256_mul_ps(_mm256_loadu_ps(scores + i), factor),
                                          lowest, _mm256_castsi256_ps(outside));
    _mm256_storeu_ps(scores + i, score);
    largest = _mm256_max_ps(largest, score);
    position = _mm256_add_epi32(position, _mm256_set1_epi32(8));
  }
  const float new_max = max_lanes(largest);
  const __m256 shift = _mm256_set1_ps(new_max);
  __m256 weights = _mm256_setzero_ps();
  for (std::int32_t i = 0; i < end; i += 8) {
    const __m256 weight = exp(_mm256_sub_ps(_mm256_loadu_ps(scores + i), shift));
    _mm256_storeu_ps(scores + i, weight);
    weights = _mm256_add_ps(weights, weight);
  }
  const __m256 old_scale = exp(_mm256_set1_ps(query.max - new_max));
  query.sum = query.sum * _mm256_cvtss_f32(old_scale) + sum_lanes(weights);
  for (std::int32_t d = 0; d < head_dim; d += 8) {
    _mm256_storeu_ps(query.out + d, _mm256_mul_ps(_mm256_loadu_ps(query.out + d), old_scale));
  }
  query.max = new_max;
}

// out[h][8 kRegs dimensions from d on] += sum over p of weights[h][p] V[p], positions ascending.
template <typename Element, int kQueries, int kRegs>
void add_columns(const float* weights, const KvPages& kv, const std::int32_t* block_table,
                 std::int32_t begin, std::int32_t end, std::int32_t d, const Query* queries) {
  __m256 acc[kQueries][kRegs];
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < kRegs; ++r) acc[h][r] = _mm256_loadu_ps(queries[h].out + d + 8 * r);
  }
  const std::int64_t row_bytes = static_cast<std::int64_t>(kv.head_dim) * Element::kBytes;
  for (std::int32_t p = begin; p < end;) {
    const std::int32_t offset = p % kv.block_size;
    const std::int32_t left = kv.block_size - offset;
    const std::int32_t block_end = end - p < left ? end : p + left;
    const byte* value = kv.pages + block_table[p / kv.block_size] * kv.block_stride +
                        (kv.block_size + offset) * row_bytes +
                        static_cast<std::int64_t>(d) * Element::kBytes;
    for (; p < block_end; ++p, value += row_bytes) {
      __m256 v[kRegs];
      for (int r = 0; r < kRegs; ++r) v[r] = Element::load(value + 8 * r * Element::kBytes);
#pragma GCC unroll 6
      for (int h = 0; h < kQueries; ++h) {
        const __m256 weight =
            _mm256_broadcast_ss(weights + h * kAttentionSegment + p % kAttentionSegment);
        for (int r = 0; r < kRegs; ++r) acc[h][r] = _mm256_fmadd_ps(weight, v[r], acc[h][r]);
      }
    }
  }
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < kRegs; ++r) _mm256_storeu_ps(queries[h].out + d + 8 * r, acc[h][r]);
  }
}

template <typename Element, int kQueries>
void add_values(const float* weights, const KvPages& kv, const std::int32_t* block_table,
                std::int32_t begin, std::int32_t end, const Query* queries) {
  std::int32_t d = 0;
  for (; d + 16 <= kv.head_dim; d += 16)
    add_columns<Element, kQueries, 2>(weights, kv, block_table, begin, end, d, queries);
  if (d < kv.head_dim)
    add_columns<Element, kQueries, 1>(weights, kv, block_table, begin, end, d, queries);
}

// One segment for queries that all see some of it. Values that not all of them see are added for
// each alone: a weight of 0 is no protection from a NaN.
template <typename Element, int kQueries>
void attend_segment(const float* transposed, const KvPages& kv, const std::int32_t* block_table,
                    std::int32_t segment, float scale, Query* queries, float* scores) {
  std::int32_t last_begin = segment, first_end = segment + kAttentionSegment, last_end = segment;
  for (int h = 0; h < kQueries; ++h) {
    const std::int32_t begin = queries[h].first_in(segment), end = queries[h].end_in(segment);
    if (begin > last_begin) last_begin = begin;
    if (end < first_end) first_end = end;
    if (end > last_end) last_end = end;
  }
  score_segment<Element, kQueries>(transposed, kv, block_table, segment, last_end, scores);
  if constexpr (Element::kScaled) {
    scale_positions([&](std::int32_t block) { return kv.key_scales(block); }, kv, block_table,
                    segment, last_end, kQueries, scores);
  }
  for (int h = 0; h < kQueries; ++h) {
    softmax_step(scores + h * kAttentionSegment, queries[h].first_in(segment) - segment,
                 queries[h].end_in(segment) - segment, scale, queries[h], kv.head_dim);
  }
  if constexpr (Element::kScaled) {  // of the values: their share of a weight
    scale_positions([&](std::int32_t block) { return kv.value_scales(block); }, kv, block_table,
                    segment, last_end, kQueries, scores);
  }
  const bool shared = last_begin < first_end;
  for (int h = 0; h < kQueries; ++h) {
    const std::int32_t end = shared ? last_begin : queries[h].end_in(segment);
    add_values<Element, 1>(scores + h * kAttentionSegment, kv, block_table,
                           queries[h].first_in(segment), end, queries + h);
  }
  if (!shared) return;
  add_values<Element, kQueries>(scores, kv, block_table, last_begin, first_end, queries);
  for (int h = 0; h < kQueries; ++h) {
    add_values<Element, 1>(scores + h * kAttentionSegment, kv, block_table, first_end,
                           queries[h].end_in(segment), queries + h);
  }
}

template <typename Element, int kQueries>
void attend(const KvPages& kv, const std::int32_t* block_table, float scale, Query* queries,
            float* scratch) {
  float* scores = scratch;
  float* transposed = scratch + kQueries * kAttentionSegment;  // [head_dim][queries of the pass]
  std::int32_t begin = queries[0].begin, end = 0;
  for (int h = 0; h < kQueries; ++h) {
    queries[h].max = -__builtin_inff();
    queries[h].sum = 0.0f;
    for (std::int32_t d = 0; d < kv.head_dim; ++d) {
      queries[h].out[d] = 0.0f;
      transposed[d * kQueries + h] = queries[h].q[d];
    }
    if (queries[h].begin < begin) begin = queries[h].begin;
    if (queries[h].end > end) end = queries[h].end;
  }
  std::int32_t segment = begin / kAttentionSegment * kAttentionSegment;
  for (; segment < end; segment += kAttentionSegment) {
    bool all = true;
    for (int h = 0; h < kQueries; ++h)
      all = all && queries[h].first_in(segment) < queries[h].end_in(segment);
    if (all) {
      attend_segment<Element, kQueries>(transposed, kv, block_table, segment, scale, queries,
                                        scores);
      continue;
    }
    float* alone = transposed + kQueries * kv.head_dim;  // there is room: kTile queries at most
    for (int h = 0; h < kQueries; ++h) {
      if (queries[h].first_in(segment) >= queries[h].end_in(segment)) continue;
      for (std::int32_t d = 0; d < kv.head_dim; ++d) alone[d] = queries[h].q[d];
      attend_segment<Element, 1>(alone, kv, block_table, segment, scale, queries + h, scores);
    }
  }
  for (int h = 0; h < kQueries; ++h) {
    const __m256 inverse = _mm256_set1_ps(1.0f / queries[h].sum);
    for (std::int32_t d = 0; d < kv.head_dim; d += 8) {
      float* place = queries[h].out + d;
      _mm256_storeu_ps(place, _mm256_mul_ps(_mm256_loadu_ps(place), inverse));
    }
  }
}

template <typename Element>
void attention_as(const AttentionQueries& all, const KvPages& kv, const std::int32_t* block_table,
                  float scale, float* scratch) {
  const std::int32_t n = all.n_tokens * all.n_heads;
  for (std::int32_t i = 0; i < n;) {
    const std::int32_t n_passes = (n - i + kTile - 1) / kTile;
    const std::int32_t width = (n - i + n_passes - 1) / n_passes;
    Query queries[kTile];
    for (std::int32_t j = 0; j < width; ++j) {
      const std::int32_t t = (i + j) / all.n_heads, h = (i + j) % all.n_heads;
      queries[j].q = all.q + t * all.q_stride + static_cast<std::int64_t>(h) * kv.head_dim;
      queries[j].out = all.out + t * all.out_stride + static_cast<std::int64_t>(h) * kv.head_dim;
      queries[j].begin = all.begin(t);
      queries[j].end = all.end(t);
    }
    switch (width) {
      case 1: attend<Element, 1>(kv, block_table, scale, queries, scratch); break;
      case 2: attend<Element, 2>(kv, block_table, scale, queries, scratch); break;
      case 3: attend<Element, 3>(kv, block_table, scale, queries, scratch); break;
      case 4: attend<Element, 4>(kv, block_table, scale, queries, scratch); break;
      case 5: attend<Element, 5>(kv, block_table, scale, queries, scratch); break;
      default: attend<Element, 6>(kv, block_table, scale, queries, scratch); break;
    }
    i += width;
  }
}

}  // namespace

void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v) {
  switch (kv.type) {
    case KvType::f32: return store_kv_as<F32>(kv, block, offset, k, v);
    case KvType::bf16: return store_kv_as<Bf16>(kv, block, offset, k, v);
    case KvType::int8: return store_kv_int8(kv, block, offset, k, v);
  }
}

void attention(const AttentionQueries& queries, const KvPages& kv, const std::int32_t* block_table,
               float scale, float* scratch) {
  switch (kv.type) {
    case KvType::f32: return attention_as<F32>(queries, kv, block_table, scale, scratch);
    case KvType::bf16: return attention_as<Bf16>(queries, kv, block_table, scale, scratch);
    case KvType::int8: return attention_as<Int8>(queries, kv, block_table, scale, scratch);
  }
}

}  // namespace tinyllm::avx2
