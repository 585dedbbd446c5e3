#pragma once
// exp for 4 lanes. Static: every NEON file keeps its own copy.

#include <arm_neon.h>

namespace tinyllm::neon {

// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, Taylor polynomial of degree 6 for
// exp(r): relative error below 2e-7. Below -87 the result is 0, above 88.72 infinity; a NaN stays.
static inline float32x4_t exp(float32x4_t x) {
  const uint32x4_t underflow = vcltq_f32(x, vdupq_n_f32(-87.0f));
  const float32x4_t largest = vdupq_n_f32(88.72283f);  // below 128 ln 2: n = 128, r < 0
  const uint32x4_t overflow = vcgtq_f32(x, largest);
  x = vminq_f32(x, largest);
  const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, 1.44269504f));
  float32x4_t r = vfmsq_f32(x, n, vdupq_n_f32(0.693359375f));  // ln 2 in two parts (Cody & Waite)
  r = vfmsq_f32(r, n, vdupq_n_f32(-2.12194440e-4f));
  float32x4_t p = vdupq_n_f32(1.0f / 720);
  p = vfmaq_f32(vdupq_n_f32(1.0f / 120), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f / 24), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f / 6), p, r);
  p = vfmaq_f32(vdupq_n_f32(0.5f), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  const int32x4_t exponent = vshlq_n_s32(vcvtq_s32_f32(n), 23);
  const int32x4_t scaled = vaddq_s32(vreinterpretq_s32_f32(p), exponent);
  const float32x4_t infinity = vdupq_n_f32(__builtin_inff());
  const float32x4_t result = vbslq_f32(overflow, infinity, vreinterpretq_f32_s32(scaled));
  return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(result), underflow));
}

}  // namespace tinyllm::neon
