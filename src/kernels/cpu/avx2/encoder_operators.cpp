// What encoders compute on a row of f32 and decoders do not: layer norm and GELU.

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"

namespace tinyllm::avx2 {

void layer_norm(const float* x, const float* weight, const float* bias, float* out, std::int64_t n,
                float eps) {
  __m256 sums = _mm256_setzero_ps();
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) sums = _mm256_add_ps(sums, _mm256_loadu_ps(x + i));
  float sum = sum_lanes(sums);
  for (; i < n; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(n);
  const __m256 means = _mm256_set1_ps(mean);
  __m256 squares = _mm256_setzero_ps();
  for (i = 0; i + 8 <= n; i += 8) {
    const __m256 v = _mm256_sub_ps(_mm256_loadu_ps(x + i), means);
    squares = _mm256_fmadd_ps(v, v, squares);
  }
  float square = sum_lanes(squares);
  for (; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
  const float inverse = 1.0f / __builtin_sqrtf(square / static_cast<float>(n) + eps);
  const __m256 factor = _mm256_set1_ps(inverse);
  for (i = 0; i + 8 <= n; i += 8) {
    const __m256 v = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), means), factor);
    _mm256_storeu_ps(out + i,
                     _mm256_fmadd_ps(v, _mm256_loadu_ps(weight + i), _mm256_loadu_ps(bias + i)));
  }
  for (; i < n; ++i) out[i] = (x[i] - mean) * inverse * weight[i] + bias[i];
}

// max(x, 0) - |x| / 2 * erfc(|x| / sqrt(2)), which loses no digits on either side.
// erfc: Abramowitz & Stegun 7.1.26, absolute error below 1.5e-7.
static inline __m256 gelu(__m256 x) {
  const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
  const __m256 z = _mm256_mul_ps(magnitude, _mm256_set1_ps(0.707106781f));
  const __m256 one = _mm256_set1_ps(1.0f);
  const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(z, _mm256_set1_ps(0.3275911f), one));
  __m256 p = _mm256_set1_ps(1.061405429f);
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-1.453152027f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(1.421413741f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0.284496736f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.254829592f));
  const __m256 decay = exp(_mm256_sub_ps(_mm256_setzero_ps(), _mm256_mul_ps(z, z)));
  const __m256 erfc = _mm256_mul_ps(_mm256_mul_ps(p, t), decay);
  const __m256 half = _mm256_mul_ps(magnitude, _mm256_set1_ps(0.5f));
  return _mm256_fnmadd_ps(half, erfc, _mm256_max_ps(_mm256_setzero_ps(), x));  // a NaN stays
}

void gelu(const float* x, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, gelu(_mm256_loadu_ps(x + i)));
  for (; i < n; ++i) out[i] = 0.5f * x[i] * __builtin_erfcf(-x[i] * 0.707106781f);
}

}  // namespace tinyllm::avx2
