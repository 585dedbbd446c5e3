// Pairs of bf16 take the way of the float panels of kernels/cpu/panels: a pair of columns stands for
// a column, its 4 bytes for an f32, bfdot for the fma.

#include "kernels/cpu/panels/float_panels.h"

#include <arm_neon.h>

#include "kernels/cpu/neonbf16/neonbf16_kernels.h"

namespace tinyllm::neonbf16 {
namespace {

struct Vectors {
  using Floats = float32x4_t;
  static constexpr int kRows = 4;
  static constexpr int kFloatTokens = 3;  // x 32 rows: 24 sums, 3 registers of x

  static Floats load_f32(const float* at) { return vld1q_f32(at); }
  static void store(float* at, Floats v) { vst1q_f32(at, v); }
  static Floats broadcast(float value) { return vdupq_n_f32(value); }
  static Floats fma(Floats a, Floats b, Floats c) {
    return vbfdotq_f32(c, vreinterpretq_bf16_f32(a), vreinterpretq_bf16_f32(b));
  }
  static void pin(Floats& v) { asm volatile("" : "+w"(v)); }
};

}  // namespace

void bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panels::float_panel_times_tokens<Vectors, panels::F32<Vectors>>(
      panel, (k + 1) / 2, reinterpret_cast<const float*>(x), x_stride / 2, n_tokens, y, y_stride);
}

void round_act(const float* x, std::int64_t n, std::uint16_t* out) {
  for (std::int64_t i = 0; i < n; i += 8) {
    const bfloat16x8_t low = vcvtq_low_bf16_f32(vld1q_f32(x + i));
    const bfloat16x8_t both = vcvtq_high_bf16_f32(low, vld1q_f32(x + i + 4));
    vst1q_u16(out + i, vreinterpretq_u16_bf16(both));
  }
}

}  // namespace tinyllm::neonbf16
