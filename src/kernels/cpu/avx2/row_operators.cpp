// Operators on one row of f32: norm, quantisation, bias, RoPE, SwiGLU, residual.

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"
#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm::avx2 {

void rms_norm(const float* x, const float* weight, float* out, std::int64_t n, float eps) {
  __m256 squares = _mm256_setzero_ps();
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    squares = _mm256_fmadd_ps(v, v, squares);
  }
  float sum = sum_lanes(squares);
  for (; i < n; ++i) sum += x[i] * x[i];
  const float inverse = 1.0f / __builtin_sqrtf(sum / static_cast<float>(n) + eps);
  const __m256 factor = _mm256_set1_ps(inverse);
  for (i = 0; i + 8 <= n; i += 8) {
    const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + i), factor);
    _mm256_storeu_ps(out + i, _mm256_mul_ps(scaled, _mm256_loadu_ps(weight + i)));
  }
  for (; i < n; ++i) out[i] = x[i] * inverse * weight[i];
}

// One group of 32, read from x. False, and scale NaN, when it holds a NaN or an infinity.
static bool quantise_group(const __m256 (&x)[4], std::int8_t* q, float& scale, std::int16_t* sum) {
  const __m256i no_sign = _mm256_set1_epi32(0x7FFFFFFF);
  const __m256i largest_number = _mm256_set1_epi32(0x7F7FFFFF);
  __m256i largest = _mm256_setzero_si256();  // as bits: a NaN is above infinity and all numbers
  for (int j = 0; j < 4; ++j)
    largest = _mm256_max_epi32(largest, _mm256_and_si256(_mm256_castps_si256(x[j]), no_sign));
  const bool finite = _mm256_movemask_epi8(_mm256_cmpgt_epi32(largest, largest_number)) == 0;
  const float max = max_lanes(_mm256_castsi256_ps(largest));
  scale = finite ? max / 127.0f : __builtin_nanf("");
  const __m256 inverse = _mm256_set1_ps(max > 0.0f && finite ? 127.0f / max : 0.0f);
  __m256i whole[4];
  for (int j = 0; j < 4; ++j) {
    whole[j] = finite ? _mm256_cvtps_epi32(_mm256_mul_ps(x[j], inverse)) : _mm256_setzero_si256();
  }
  // The packs work within 128-bit lanes; the permutation puts the groups of 4 bytes back in order.
  const __m256i words = _mm256_packs_epi32(whole[0], whole[1]);
  const __m256i more_words = _mm256_packs_epi32(whole[2], whole[3]);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words, more_words),
                                                    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), bytes);
  // Sums of 4 in int32 lanes, then of the 4 lanes of each 128-bit half: 16 columns each.
  __m256i sums =
      _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(1));
  sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0x4E));
  sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0xB1));
  sum[0] = static_cast<std::int16_t>(_mm256_extract_epi32(sums, 0));
  sum[1] = static_cast<std::int16_t>(_mm256_extract_epi32(sums, 4));
  return finite;
}

void quantise_act(const float* x, std::int64_t n, float split_above, const QuantisedRow& out) {
  const std::int64_t n_groups = n / 32;
  const QuantPlane &main = out.main, &residual = out.residual;
  double squares = 0.0;  // of the scales that are numbers
  for (std::int64_t g = 0; g < n_groups; ++g) {
    __m256 v[4];
    for (int j = 0; j < 4; ++j) v[j] = _mm256_loadu_ps(x + 32 * g + 8 * j);
    const bool finite = quantise_group(v, main.q + 32 * g, main.scale[g], main.sum + 2 * g);
    const double scale = static_cast<double>(main.scale[g]);
    if (finite) squares += scale * scale;
    out.scaled_sum[g] = main.scale[g] * static_cast<float>(main.sum[2 * g] + main.sum[2 * g + 1]);
  }
  const double limit = static_cast<double>(split_above) * squares / static_cast<double>(n_groups);
  for (std::int64_t b = 0; b < (n_groups + kSuperTiles - 1) / kSuperTiles; ++b) out.split[b] = 0;
  for (std::int64_t g = 0; g < n_groups; ++g) {
    const double scale = static_cast<double>(main.scale[g]);
    if (!(scale * scale > limit)) continue;
    const __m256 main_scale = _mm256_set1_ps(main.scale[g]);
    __m256 rest[4];
    for (int j = 0; j < 4; ++j) {
      const auto* at = reinterpret_cast<const __m128i*>(main.q + 32 * g + 8 * j);
      const __m256 q = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at)));
      rest[j] = _mm256_fnmadd_ps(main_scale, q, _mm256_loadu_ps(x + 32 * g + 8 * j));
    }
    quantise_group(rest, residual.q + 32 * g, residual.scale[g], residual.sum + 2 * g);
    const auto sum = static_cast<float>(residual.sum[2 * g] + residual.sum[2 * g + 1]);
    out.scaled_sum[g] = __builtin_fmaf(residual.scale[g], sum, out.scaled_sum[g]);
    out.split[g / kSuperTiles] |= static_cast<std::uint8_t>(1 << g % kSuperTiles);
  }
}

void add(float* x, const float* y, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    _mm256_storeu_ps(x + i, _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
  }
  for (; i < n; ++i) x[i] += y[i];
}

void rope_split_halves(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
  const std::int64_t half = head_dim / 2;
  std::int64_t i = 0;
  for (; i + 8 <= half; i += 8) {
    const __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + half + i);
    const __m256 c = _mm256_loadu_ps(cos + i), s = _mm256_loadu_ps(sin + i);
    _mm256_storeu_ps(x + i, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
    _mm256_storeu_ps(x + half + i, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
  }
  for (; i < half; ++i) {
    const float a = x[i], b = x[half + i];
    x[i] = a * cos[i] - b * sin[i];
    x[half + i] = b * cos[i] + a * sin[i];
  }
}

void rope_interleaved(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
  std::int64_t i = 0;  // pairs
  for (; i + 4 <= head_dim / 2; i += 4) {
    const __m256 pairs = _mm256_loadu_ps(x + 2 * i);
    const __m256 swapped = _mm256_permute_ps(pairs, 0xB1);
    const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    const __m256 c = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(cos + i)), twice);
    const __m256 s = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(sin + i)), twice);
    // even lanes: a c - b s; odd lanes: b c + a s
    _mm256_storeu_ps(x + 2 * i, _mm256_fmaddsub_ps(pairs, c, _mm256_mul_ps(swapped, s)));
  }
  for (; i < head_dim / 2; ++i) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * cos[i] - b * sin[i];
    x[2 * i + 1] = b * cos[i] + a * sin[i];
  }
}

void silu_mul(const float* gate, const float* up, float* out, std::int64_t n) {
  const __m256 one = _mm256_set1_ps(1.0f);
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 g = _mm256_loadu_ps(gate + i);
    const __m256 denominator = _mm256_add_ps(one, exp(_mm256_sub_ps(_mm256_setzero_ps(), g)));
    _mm256_storeu_ps(out + i,
                     _mm256_mul_ps(_mm256_div_ps(g, denominator), _mm256_loadu_ps(up + i)));
  }
  for (; i < n; ++i) out[i] = gate[i] / (1.0f + __builtin_expf(-gate[i])) * up[i];
}

}  // namespace tinyllm::avx2
