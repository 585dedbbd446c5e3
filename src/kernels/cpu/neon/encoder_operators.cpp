// What encoders compute on a row of f32 and decoders do not: layer norm and GELU.

#include <arm_neon.h>

#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/vector_math.h"

namespace tinyllm::neon {

void layer_norm(const float* x, const float* weight, const float* bias, float* out, std::int64_t n,
                float eps) {
  float32x4_t sums = vdupq_n_f32(0.0f), squares = vdupq_n_f32(0.0f);
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4) sums = vaddq_f32(sums, vld1q_f32(x + i));
  float sum = vaddvq_f32(sums);
  for (; i < n; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(n);
  const float32x4_t means = vdupq_n_f32(mean);
  for (i = 0; i + 4 <= n; i += 4) {
    const float32x4_t v = vsubq_f32(vld1q_f32(x + i), means);
    squares = vfmaq_f32(squares, v, v);
  }
  float square = vaddvq_f32(squares);
  for (; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
  const float inverse = 1.0f / __builtin_sqrtf(square / static_cast<float>(n) + eps);
  for (i = 0; i + 4 <= n; i += 4) {
    const float32x4_t v = vmulq_n_f32(vsubq_f32(vld1q_f32(x + i), means), inverse);
    vst1q_f32(out + i, vfmaq_f32(vld1q_f32(bias + i), v, vld1q_f32(weight + i)));
  }
  for (; i < n; ++i) out[i] = (x[i] - mean) * inverse * weight[i] + bias[i];
}

// max(x, 0) - |x| / 2 * erfc(|x| / sqrt(2)), which loses no digits on either side.
// erfc: Abramowitz & Stegun 7.1.26, absolute error below 1.5e-7.
static inline float32x4_t gelu(float32x4_t x) {
  const float32x4_t magnitude = vabsq_f32(x), one = vdupq_n_f32(1.0f);
  const float32x4_t z = vmulq_n_f32(magnitude, 0.707106781f);
  const float32x4_t t = vdivq_f32(one, vfmaq_n_f32(one, z, 0.3275911f));
  float32x4_t p = vdupq_n_f32(1.061405429f);
  p = vfmaq_f32(vdupq_n_f32(-1.453152027f), p, t);
  p = vfmaq_f32(vdupq_n_f32(1.421413741f), p, t);
  p = vfmaq_f32(vdupq_n_f32(-0.284496736f), p, t);
  p = vfmaq_f32(vdupq_n_f32(0.254829592f), p, t);
  const float32x4_t erfc = vmulq_f32(vmulq_f32(p, t), exp(vnegq_f32(vmulq_f32(z, z))));
  // A NaN stays: vmaxq gives one for each that it gets.
  return vfmsq_f32(vmaxq_f32(x, vdupq_n_f32(0.0f)), vmulq_n_f32(magnitude, 0.5f), erfc);
}

void gelu(const float* x, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4) vst1q_f32(out + i, gelu(vld1q_f32(x + i)));
  for (; i < n; ++i) out[i] = 0.5f * x[i] * __builtin_erfcf(-x[i] * 0.707106781f);
}

}  // namespace tinyllm::neon
