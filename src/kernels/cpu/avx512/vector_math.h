#pragma once
// Sums across a register and exp for 16 lanes. Static: every AVX-512 file keeps its own copy.

#include <immintrin.h>

namespace tinyllm::avx512 {

// The tree (0+8, 1+9, ...), then halves of that, always in this order.
static inline float sum_lanes(__m512 v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  four = _mm_add_ss(four, _mm_shuffle_ps(four, four, 1));
  return _mm_cvtss_f32(four);
}

static inline float max_lanes(__m512 v) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  four = _mm_max_ss(four, _mm_shuffle_ps(four, four, 1));
  return _mm_cvtss_f32(four);
}

// The exp of avx2/vector_math.h: 2^n * exp(r), Taylor polynomial of degree 6, relative error below
// 2e-7. Below -87 the result is 0, above 88.72 infinity; a NaN stays.
static inline __m512 exp(__m512 x) {
  const __m512 largest = _mm512_set1_ps(88.72283f);  // the last x below 128 ln 2
  const __mmask16 normal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_NLT_UQ);
  const __mmask16 overflow = _mm512_cmp_ps_mask(x, largest, _CMP_GT_OQ);
  x = _mm512_min_ps(largest, x);  // a NaN stays
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts (Cody & Waite)
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.0f / 720);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 120));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 24));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 6));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  const __m512 scaled = _mm512_scalef_ps(p, n);
  const __m512 bounded = _mm512_mask_mov_ps(scaled, overflow, _mm512_set1_ps(__builtin_inff()));
  return _mm512_maskz_mov_ps(normal, bounded);
}

}  // namespace tinyllm::avx512
