// Writing K/V rows into pages, and causal attention of some queries over them.

#include <arm_neon.h>

#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/vector_math.h"

namespace tinyllm::neon {
namespace {

struct F32 {
  using Element = float;
  static constexpr bool kScaled = false;
  static float32x4_t load(const float* at) { return vld1q_f32(at); }
  static float round(float value) { return value; }
};

struct Bf16 {
  using Element = std::uint16_t;
  static constexpr bool kScaled = false;
  static float32x4_t load(const std::uint16_t* at) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(at)), 16));
  }
  static std::uint16_t round(float value) {  // to nearest even, NaN stays NaN
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    const bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    bits = nan ? bits | 0x400000u : bits + 0x7FFFu + (bits >> 16 & 1u);
    return static_cast<std::uint16_t>(bits >> 16);
  }
};

struct Int8 {
  using Element = std::int8_t;
  static constexpr bool kScaled = true;  // by the scale of the position
  static float32x4_t load(const std::int8_t* at) {
    std::int32_t four;
    __builtin_memcpy(&four, at, 4);
    const int16x8_t codes = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(codes)));
  }
};

// Keys of one block: [head_dim][block_size].
template <typename Kind>
typename Kind::Element* keys_of(const KvPages& kv, std::int32_t block) {
  return reinterpret_cast<typename Kind::Element*>(kv.pages + block * kv.block_stride);
}

// Values of one block: [block_size][head_dim].
template <typename Kind>
typename Kind::Element* values_of(const KvPages& kv, std::int32_t block) {
  return keys_of<Kind>(kv, block) + static_cast<std::int64_t>(kv.head_dim) * kv.block_size;
}

template <typename Kind>
void store_kv_as(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
                 const float* v) {
  auto* keys = keys_of<Kind>(kv, block) + offset;
  auto* values = values_of<Kind>(kv, block) + static_cast<std::int64_t>(offset) * kv.head_dim;
  for (std::int32_t d = 0; d < kv.head_dim; ++d) {
    keys[static_cast<std::int64_t>(d) * kv.block_size] = Kind::round(k[d]);
    values[d] = Kind::round(v[d]);
  }
}

void store_kv_int8(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
                   const float* v) {
  std::int8_t* values =
      values_of<Int8>(kv, block) + static_cast<std::int64_t>(offset) * kv.head_dim;
  kv.key_scales(block)[offset] =
      quantise_kv(k, kv.head_dim, keys_of<Int8>(kv, block) + offset, kv.block_size);
  kv.value_scales(block)[offset] = quantise_kv(v, kv.head_dim, values, 1);
}

// Queries that share a load of keys or values: 4 x 6 sums, 4 loads.
constexpr int kTile = 6;
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

// Keeps the compiler from loading everything first and spilling the sums.
void pin(float32x4_t& v) { asm volatile("" : "+w"(v)); }

// scores[h][p - segment] = q[h] . K[p] for p in [segment, end), 16 at a time. What lies past the
// end or before a query's own begin holds anything. transposed: [head_dim][kQueries].
template <typename Kind, int kQueries>
void score_segment(const float* transposed, const KvPages& kv, const std::int32_t* block_table,
                   std::int32_t segment, std::int32_t end, float* scores) {
  const auto keys_at = [&](std::int32_t p) {
    return keys_of<Kind>(kv, block_table[p / kv.block_size]) + p % kv.block_size;
  };
  for (std::int32_t p = segment; p < end; p += 16) {  // 8 positions of one block, and 8 more
    const auto* keys_0 = keys_at(p);
    const auto* keys_1 = p + 8 < end ? keys_at(p + 8) : keys_0;
    float32x4_t dots[kQueries][4];
    for (int h = 0; h < kQueries; ++h) {
      for (int r = 0; r < 4; ++r) dots[h][r] = vdupq_n_f32(0.0f);
    }
    const float* q = transposed;
    for (std::int32_t d = 0; d < kv.head_dim; ++d) {
      const float32x4_t key[4] = {Kind::load(keys_0), Kind::load(keys_0 + 4), Kind::load(keys_1),
                                  Kind::load(keys_1 + 4)};
#pragma GCC unroll 6
      for (int h = 0; h < kQueries; ++h) {
        for (int r = 0; r < 4; ++r) {
          dots[h][r] = vfmaq_n_f32(dots[h][r], key[r], q[h]);
          pin(dots[h][r]);
        }
      }
      q += kQueries;
      keys_0 += kv.block_size;
      keys_1 += kv.block_size;
    }
    for (int h = 0; h < kQueries; ++h) {
      float* place = scores + h * kAttentionSegment + (p - segment);
      for (int r = 0; r < 4; ++r) vst1q_f32(place + 4 * r, dots[h][r]);
    }
  }
}

// rows[h][p - segment] *= the scale of position p, for p in [segment, end), 8 at a time.
template <typename Scales>
void scale_positions(const Scales& scales_of, const KvPages& kv, const std::int32_t* block_table,
                     std::int32_t segment, std::int32_t end, std::int32_t n_rows, float* rows) {
  for (std::int32_t p = segment; p < end; p += 8) {
    const float* scales = scales_of(block_table[p / kv.block_size]) + p % kv.block_size;
    for (std::int32_t h = 0; h < n_rows; ++h) {
      float* place = rows + h * kAttentionSegment + (p - segment);
      vst1q_f32(place, vmulq_f32(vld1q_f32(place), vld1q_f32(scales)));
      vst1q_f32(place + 4, vmulq_f32(vld1q_f32(place + 4), vld1q_f32(scales + 4)));
    }
  }
}

// One online-softmax step: scores of [begin, end) become weights, out and sum of earlier segments
// are scaled to the new maximum. Positions of the segment outside weigh 0.
void softmax_step(float* scores, std::int32_t begin, std::int32_t end, float scale, Query& query,
                  std::int32_t head_dim) {
  const float32x4_t lowest = vdupq_n_f32(-__builtin_inff());
  const std::int32_t ascending[4] = {0, 1, 2, 3};
  int32x4_t position = vld1q_s32(ascending);
  float32x4_t largest = vdupq_n_f32(query.max);
  for (std::int32_t i = 0; i < end; i += 4) {
    const uint32x4_t inside =
        vandq_u32(vcgeq_s32(position, vdupq_n_s32(begin)), vcltq_s32(position, vdupq_n_s32(end)));
    const float32x4_t score = vbslq_f32(inside, vmulq_n_f32(vld1q_f32(scores + i), scale), lowest);
    vst1q_f32(scores + i, score);
    largest = vmaxq_f32(largest, score);
    position = vaddq_s32(position, vdupq_n_s32(4));
  }
  const float new_max = vmaxvq_f32(largest);
  float32x4_t weights = vdupq_n_f32(0.0f);
  for (std::int32_t i = 0; i < end; i += 4) {
    const float32x4_t weight = exp(vsubq_f32(vld1q_f32(scores + i), vdupq_n_f32(new_max)));
    vst1q_f32(scores + i, weight);
    weights = vaddq_f32(weights, weight);
  }
  const float old_scale = vgetq_lane_f32(exp(vdupq_n_f32(query.max - new_max)), 0);
  query.sum = query.sum * old_scale + vaddvq_f32(weights);
  for (std::int32_t d = 0; d < head_dim; d += 4)
    vst1q_f32(query.out + d, vmulq_n_f32(vld1q_f32(query.out + d), old_scale));
  query.max = new_max;
}

// out[h][4 kRegs dimensions from d on] += sum over p of weights[h][p] V[p], positions ascending.
template <typename Kind, int kQueries, int kRegs>
void add_columns(const float* weights, const KvPages& kv, const std::int32_t* block_table,
                 std::int32_t begin, std::int32_t end, std::int32_t d, const Query* queries) {
  float32x4_t acc[kQueries][kRegs];
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < kRegs; ++r) acc[h][r] = vld1q_f32(queries[h].out + d + 4 * r);
  }
  for (std::int32_t p = begin; p < end;) {
    const std::int32_t offset = p % kv.block_size;
    const std::int32_t left = kv.block_size - offset;
    const std::int32_t block_end = end - p < left ? end : p + left;
    const auto* value = values_of<Kind>(kv, block_table[p / kv.block_size]) +
                        static_cast<std::int64_t>(offset) * kv.head_dim + d;
    for (; p < block_end; ++p, value += kv.head_dim) {
      float32x4_t v[kRegs];
      for (int r = 0; r < kRegs; ++r) v[r] = Kind::load(value + 4 * r);
#pragma GCC unroll 6
      for (int h = 0; h < kQueries; ++h) {
        const float weight = weights[h * kAttentionSegment + p % kAttentionSegment];
        for (int r = 0; r < kRegs; ++r) {
          acc[h][r] = vfmaq_n_f32(acc[h][r], v[r], weight);
          pin(acc[h][r]);
        }
      }
    }
  }
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < kRegs; ++r) vst1q_f32(queries[h].out + d + 4 * r, acc[h][r]);
  }
}

template <typename Kind, int kQueries>
void add_values(const float* weights, const KvPages& kv, const std::int32_t* block_table,
                std::int32_t begin, std::int32_t end, const Query* queries) {
  std::int32_t d = 0;
  for (; d + 16 <= kv.head_dim; d += 16)
    add_columns<Kind, kQueries, 4>(weights, kv, block_table, begin, end, d, queries);
  if (d < kv.head_dim)
    add_columns<Kind, kQueries, 2>(weights, kv, block_table, begin, end, d, queries);
}

// One segment for queries that all see some of it. Values that not all of them see are added for
// each alone: a weight of 0 is no protection from a NaN.
template <typename Kind, int kQueries>
void attend_segment(const float* transposed, const KvPages& kv, const std::int32_t* block_table,
                    std::int32_t segment, float scale, Query* queries, float* scores) {
  std::int32_t last_begin = segment, first_end = segment + kAttentionSegment, last_end = segment;
  for (int h = 0; h < kQueries; ++h) {
    const std::int32_t begin = queries[h].first_in(segment), end = queries[h].end_in(segment);
    if (begin > last_begin) last_begin = begin;
    if (end < first_end) first_end = end;
    if (end > last_end) last_end = end;
  }
  score_segment<Kind, kQueries>(transposed, kv, block_table, segment, last_end, scores);
  if constexpr (Kind::kScaled) {
    scale_positions([&](std::int32_t block) { return kv.key_scales(block); }, kv, block_table,
                    segment, last_end, kQueries, scores);
  }
  for (int h = 0; h < kQueries; ++h) {
    softmax_step(scores + h * kAttentionSegment, queries[h].first_in(segment) - segment,
                 queries[h].end_in(segment) - segment, scale, queries[h], kv.head_dim);
  }
  if constexpr (Kind::kScaled) {  // of the values: their share of a weight
    scale_positions([&](std::int32_t block) { return kv.value_scales(block); }, kv, block_table,
                    segment, last_end, kQueries, scores);
  }
  const bool shared = last_begin < first_end;
  for (int h = 0; h < kQueries; ++h) {
    const std::int32_t end = shared ? last_begin : queries[h].end_in(segment);
    add_values<Kind, 1>(scores + h * kAttentionSegment, kv, block_table,
                        queries[h].first_in(segment), end, queries + h);
  }
  if (!shared) return;
  add_values<Kind, kQueries>(scores, kv, block_table, last_begin, first_end, queries);
  for (int h = 0; h < kQueries; ++h) {
    add_values<Kind, 1>(scores + h * kAttentionSegment, kv, block_table, first_end,
                        queries[h].end_in(segment), queries + h);
  }
}

template <typename Kind, int kQueries>
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
      attend_segment<Kind, kQueries>(transposed, kv, block_table, segment, scale, queries, scores);
      continue;
    }
    for (int h = 0; h < kQueries; ++h) {  // one query needs no transposing
      if (queries[h].first_in(segment) >= queries[h].end_in(segment)) continue;
      attend_segment<Kind, 1>(queries[h].q, kv, block_table, segment, scale, queries + h, scores);
    }
  }
  for (int h = 0; h < kQueries; ++h) {
    const float inverse = 1.0f / queries[h].sum;
    for (std::int32_t d = 0; d < kv.head_dim; d += 4)
      vst1q_f32(queries[h].out + d, vmulq_n_f32(vld1q_f32(queries[h].out + d), inverse));
  }
}

template <typename Kind>
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
      case 1: attend<Kind, 1>(kv, block_table, scale, queries, scratch); break;
      case 2: attend<Kind, 2>(kv, block_table, scale, queries, scratch); break;
      case 3: attend<Kind, 3>(kv, block_table, scale, queries, scratch); break;
      case 4: attend<Kind, 4>(kv, block_table, scale, queries, scratch); break;
      case 5: attend<Kind, 5>(kv, block_table, scale, queries, scratch); break;
      default: attend<Kind, 6>(kv, block_table, scale, queries, scratch); break;
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

}  // namespace tinyllm::neon
