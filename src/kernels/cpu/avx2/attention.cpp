// Writing K/V rows into pages, and causal attention of one token over them.

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"

namespace tinyllm::avx2 {
namespace {

struct F32 {
  static constexpr int kBytes = 4;
  static __m256 load(const byte* at) { return _mm256_loadu_ps(reinterpret_cast<const float*>(at)); }
  static void store(byte* at, float value) { __builtin_memcpy(at, &value, 4); }
};

struct Bf16 {
  static constexpr int kBytes = 2;
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

constexpr int kMaxHeads = 4;  // query heads that share a pass over the keys: 4 sums, a key, a query

// scores[h][p - segment] = q[h] . K[p] * scale for the positions [begin, end) of one segment, else
// -inf.
template <typename Element, int kHeads>
void score_segment(const float* q, const KvPages& kv, const std::int32_t* block_table,
                   std::int32_t segment, std::int32_t begin, std::int32_t end, float scale,
                   float* scores) {
  const __m256 lowest = _mm256_set1_ps(-__builtin_inff());
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (std::int32_t p = segment; p < end; p += 8) {  // 8 positions of one block
    const byte* keys = kv.pages + block_table[p / kv.block_size] * kv.block_stride +
                       static_cast<std::int64_t>(p % kv.block_size) * Element::kBytes;
    __m256 dots[kHeads];
    for (int h = 0; h < kHeads; ++h) dots[h] = _mm256_setzero_ps();
    for (std::int32_t d = 0; d < kv.head_dim; ++d) {
      const __m256 key =
          Element::load(keys + static_cast<std::int64_t>(d) * kv.block_size * Element::kBytes);
      for (int h = 0; h < kHeads; ++h) {
        dots[h] = _mm256_fmadd_ps(_mm256_broadcast_ss(q + h * kv.head_dim + d), key, dots[h]);
      }
    }
    // begin <= p + lane < end
    const __m256i position = _mm256_add_epi32(_mm256_set1_epi32(p), lanes);
    const __m256i outside =
        _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(begin), position),
                        _mm256_cmpgt_epi32(position, _mm256_set1_epi32(end - 1)));
    for (int h = 0; h < kHeads; ++h) {
      const __m256 score = _mm256_mul_ps(dots[h], _mm256_set1_ps(scale));
      _mm256_storeu_ps(scores + h * kAttentionSegment + (p - segment),
                       _mm256_blendv_ps(score, lowest, _mm256_castsi256_ps(outside)));
    }
  }
}

// One online-softmax step: scores become weights, out and sum of earlier segments are scaled to the
// new maximum. `n` is a multiple of 8.
void softmax_step(float* scores, std::int32_t n, float& max, float& sum, float* out,
                  std::int32_t head_dim) {
  __m256 largest = _mm256_set1_ps(max);
  for (std::int32_t i = 0; i < n; i += 8)
    largest = _mm256_max_ps(largest, _mm256_loadu_ps(scores + i));
  const float new_max = max_lanes(largest);
  const __m256 shift = _mm256_set1_ps(new_max);
  __m256 weights = _mm256_setzero_ps();
  for (std::int32_t i = 0; i < n; i += 8) {
    const __m256 weight = exp(_mm256_sub_ps(_mm256_loadu_ps(scores + i), shift));
    _mm256_storeu_ps(scores + i, weight);
    weights = _mm256_add_ps(weights, weight);
  }
  const __m256 old_scale = exp(_mm256_set1_ps(max - new_max));
  sum = sum * _mm256_cvtss_f32(old_scale) + sum_lanes(weights);
  for (std::int32_t d = 0; d < head_dim; d += 8) {
    _mm256_storeu_ps(out + d, _mm256_mul_ps(_mm256_loadu_ps(out + d), old_scale));
  }
  max = new_max;
}

// out[h] += sum_p weights[h][p] V[p], positions ascending. Positions outside have weight 0 and are
// not read.
template <typename Element, int kHeads>
void add_values(const float* weights, const KvPages& kv, const std::int32_t* block_table,
                std::int32_t segment, std::int32_t begin, std::int32_t end, float* out) {
  for (std::int32_t d = 0; d < kv.head_dim; d += 8) {
    __m256 acc[kHeads];
    for (int h = 0; h < kHeads; ++h) acc[h] = _mm256_loadu_ps(out + h * kv.head_dim + d);
    for (std::int32_t p = begin; p < end; ++p) {
      const byte* value =
          kv.pages + block_table[p / kv.block_size] * kv.block_stride +
          (static_cast<std::int64_t>(kv.block_size + p % kv.block_size) * kv.head_dim + d) *
              Element::kBytes;
      const __m256 v = Element::load(value);
      for (int h = 0; h < kHeads; ++h) {
        const __m256 weight = _mm256_broadcast_ss(weights + h * kAttentionSegment + (p - segment));
        acc[h] = _mm256_fmadd_ps(weight, v, acc[h]);
      }
    }
    for (int h = 0; h < kHeads; ++h) _mm256_storeu_ps(out + h * kv.head_dim + d, acc[h]);
  }
}

template <typename Element, int kHeads>
void attend(const float* q, const KvPages& kv, const std::int32_t* block_table, std::int32_t first,
            std::int32_t position, float scale, float* out, float* scores) {
  float max[kHeads], sum[kHeads];
  for (int h = 0; h < kHeads; ++h) {
    max[h] = -__builtin_inff();
    sum[h] = 0.0f;
    for (std::int32_t d = 0; d < kv.head_dim; ++d) out[h * kv.head_dim + d] = 0.0f;
  }
  for (std::int32_t segment = first / kAttentionSegment * kAttentionSegment; segment <= position;
       segment += kAttentionSegment) {
    const std::int32_t begin = first > segment ? first : segment;
    const std::int32_t last = segment + kAttentionSegment;
    const std::int32_t end = position + 1 < last ? position + 1 : last;
    score_segment<Element, kHeads>(q, kv, block_table, segment, begin, end, scale, scores);
    const std::int32_t n = (end - segment + 7) / 8 * 8;
    for (int h = 0; h < kHeads; ++h) {
      softmax_step(scores + h * kAttentionSegment, n, max[h], sum[h], out + h * kv.head_dim,
                   kv.head_dim);
    }
    add_values<Element, kHeads>(scores, kv, block_table, segment, begin, end, out);
  }
  for (int h = 0; h < kHeads; ++h) {
    const __m256 inverse = _mm256_set1_ps(1.0f / sum[h]);
    for (std::int32_t d = 0; d < kv.head_dim; d += 8) {
      float* place = out + h * kv.head_dim + d;
      _mm256_storeu_ps(place, _mm256_mul_ps(_mm256_loadu_ps(place), inverse));
    }
  }
}

template <typename Element>
void attention_as(const float* q, std::int32_t n_q, const KvPages& kv,
                  const std::int32_t* block_table, std::int32_t first, std::int32_t position,
                  float scale, float* out, float* scratch) {
  for (std::int32_t h = 0; h < n_q;) {
    const float* heads = q + h * kv.head_dim;
    float* outs = out + h * kv.head_dim;
    if (n_q - h >= kMaxHeads) {
      attend<Element, kMaxHeads>(heads, kv, block_table, first, position, scale, outs, scratch);
      h += kMaxHeads;
    } else if (n_q - h >= 2) {
      attend<Element, 2>(heads, kv, block_table, first, position, scale, outs, scratch);
      h += 2;
    } else {
      attend<Element, 1>(heads, kv, block_table, first, position, scale, outs, scratch);
      h += 1;
    }
  }
}

}  // namespace

void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v) {
  kv.bf16 ? store_kv_as<Bf16>(kv, block, offset, k, v) : store_kv_as<F32>(kv, block, offset, k, v);
}

void attention(const float* q, std::int32_t n_q, const KvPages& kv, const std::int32_t* block_table,
               std::int32_t first, std::int32_t position, float scale, float* out, float* scratch) {
  kv.bf16 ? attention_as<Bf16>(q, n_q, kv, block_table, first, position, scale, out, scratch)
          : attention_as<F32>(q, n_q, kv, block_table, first, position, scale, out, scratch);
}

}  // namespace tinyllm::avx2
