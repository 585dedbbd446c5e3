// Operators on one row of f32: norm, quantisation, bias, RoPE, SwiGLU, residual.

#include <arm_neon.h>

#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/vector_math.h"

namespace tinyllm::neon {

void rms_norm(const float* x, const float* weight, float* out, std::int64_t n, float eps) {
  float32x4_t squares[4];
  for (int j = 0; j < 4; ++j) squares[j] = vdupq_n_f32(0.0f);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int j = 0; j < 4; ++j) {
      const float32x4_t v = vld1q_f32(x + i + 4 * j);
      squares[j] = vfmaq_f32(squares[j], v, v);
    }
  }
  const float32x4_t low = vaddq_f32(squares[0], squares[1]);
  float sum = vaddvq_f32(vaddq_f32(low, vaddq_f32(squares[2], squares[3])));
  for (; i < n; ++i) sum += x[i] * x[i];
  const float inverse = 1.0f / __builtin_sqrtf(sum / static_cast<float>(n) + eps);
  for (i = 0; i + 4 <= n; i += 4) {
    const float32x4_t scaled = vmulq_n_f32(vld1q_f32(x + i), inverse);
    vst1q_f32(out + i, vmulq_f32(scaled, vld1q_f32(weight + i)));
  }
  for (; i < n; ++i) out[i] = x[i] * inverse * weight[i];
}

// One group of 32, read from x. False, and scale NaN, when it holds a NaN or an infinity.
static bool quantise_group(const float32x4_t (&x)[8], std::int8_t* q, float& scale,
                           std::int16_t* sum) {
  uint32x4_t largest = vdupq_n_u32(0);  // as bits: a NaN is above infinity and all numbers
  for (int j = 0; j < 8; ++j) largest = vmaxq_u32(largest, vreinterpretq_u32_f32(vabsq_f32(x[j])));
  const std::uint32_t bits = vmaxvq_u32(largest);
  const bool finite = bits < 0x7F800000u;
  float max;
  __builtin_memcpy(&max, &bits, 4);
  scale = finite ? max / 127.0f : __builtin_nanf("");
  const float inverse = max > 0.0f && finite ? 127.0f / max : 0.0f;
  int16x8_t words[4];
  for (int j = 0; j < 4; ++j) {
    const int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(x[2 * j], inverse));
    const int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(x[2 * j + 1], inverse));
    words[j] = vcombine_s16(vmovn_s32(low), vmovn_s32(high));
  }
  for (int half = 0; half < 2; ++half) {
    const int8x8_t low = vmovn_s16(words[2 * half]), high = vmovn_s16(words[2 * half + 1]);
    // A NaN or an infinity times 0 is no number, whose conversion is cleared here.
    const int8x16_t bytes = finite ? vcombine_s8(low, high) : vdupq_n_s8(0);
    vst1q_s8(q + 16 * half, bytes);
    sum[half] = vaddlvq_s8(bytes);
  }
  return finite;
}

void quantise_act(const float* x, std::int64_t n, float split_above, const QuantisedRow& out) {
  const std::int64_t n_groups = n / 32;
  const QuantPlane &main = out.main, &residual = out.residual;
  double squares = 0.0;  // of the scales that are numbers
  for (std::int64_t g = 0; g < n_groups; ++g) {
    float32x4_t v[8];
    for (int j = 0; j < 8; ++j) v[j] = vld1q_f32(x + 32 * g + 4 * j);
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
    float32x4_t rest[8];
    for (int j = 0; j < 8; j += 2) {
      const int16x8_t q = vmovl_s8(vld1_s8(main.q + 32 * g + 4 * j));
      const float32x4_t low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(q)));
      const float32x4_t high = vcvtq_f32_s32(vmovl_s16(vget_high_s16(q)));
      const float* at = x + 32 * g + 4 * j;
      rest[j] = vfmsq_n_f32(vld1q_f32(at), low, main.scale[g]);
      rest[j + 1] = vfmsq_n_f32(vld1q_f32(at + 4), high, main.scale[g]);
    }
    quantise_group(rest, residual.q + 32 * g, residual.scale[g], residual.sum + 2 * g);
    const auto sum = static_cast<float>(residual.sum[2 * g] + residual.sum[2 * g + 1]);
    out.scaled_sum[g] = __builtin_fmaf(residual.scale[g], sum, out.scaled_sum[g]);
    out.split[g / kSuperTiles] |= static_cast<std::uint8_t>(1 << g % kSuperTiles);
  }
}

void add(float* x, const float* y, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4) vst1q_f32(x + i, vaddq_f32(vld1q_f32(x + i), vld1q_f32(y + i)));
  for (; i < n; ++i) x[i] += y[i];
}

void rope_split_halves(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
  const std::int64_t half = head_dim / 2;
  std::int64_t i = 0;
  for (; i + 4 <= half; i += 4) {
    const float32x4_t a = vld1q_f32(x + i), b = vld1q_f32(x + half + i);
    const float32x4_t c = vld1q_f32(cos + i), s = vld1q_f32(sin + i);
    vst1q_f32(x + i, vfmsq_f32(vmulq_f32(a, c), b, s));
    vst1q_f32(x + half + i, vfmaq_f32(vmulq_f32(b, c), a, s));
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
    const float32x4x2_t pairs = vld2q_f32(x + 2 * i);
    const float32x4_t a = pairs.val[0], b = pairs.val[1];
    const float32x4_t c = vld1q_f32(cos + i), s = vld1q_f32(sin + i);
    const float32x4x2_t turned = {
        {vfmsq_f32(vmulq_f32(a, c), b, s), vfmaq_f32(vmulq_f32(b, c), a, s)}};
    vst2q_f32(x + 2 * i, turned);
  }
  for (; i < head_dim / 2; ++i) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * cos[i] - b * sin[i];
    x[2 * i + 1] = b * cos[i] + a * sin[i];
  }
}

void silu_mul(const float* gate, const float* up, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const float32x4_t g = vld1q_f32(gate + i);
    const float32x4_t denominator = vaddq_f32(vdupq_n_f32(1.0f), exp(vnegq_f32(g)));
    vst1q_f32(out + i, vmulq_f32(vdivq_f32(g, denominator), vld1q_f32(up + i)));
  }
  for (; i < n; ++i) out[i] = gate[i] / (1.0f + __builtin_expf(-gate[i])) * up[i];
}

}  // namespace tinyllm::neon
