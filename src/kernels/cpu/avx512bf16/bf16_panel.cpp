// Pairs of bf16 take the way of the float panels of kernels/cpu/panels: a pair of columns stands for
// a column, its 4 bytes for an f32, vdpbf16ps for the fma. Both instructions of bf16 are written as
// assembly: clang 16 crashes on their vector type where it makes debug information.

#include "kernels/cpu/panels/float_panels.h"

#include <immintrin.h>

#include "kernels/cpu/avx512bf16/avx512bf16_kernels.h"

namespace tinyllm::avx512bf16 {
namespace {

struct Vectors {
  using Floats = __m512;
  static constexpr int kRows = 16;
  static constexpr int kFloatTokens = 8;  // x 32 rows: 16 sums, 8 registers of x, one of weights

  static Floats load_f32(const float* at) { return _mm512_loadu_ps(at); }
  static void store(float* at, Floats v) { _mm512_storeu_ps(at, v); }
  static Floats broadcast(float value) { return _mm512_set1_ps(value); }
  static Floats fma(Floats a, Floats b, Floats c) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
    return c;
  }
  static void pin(Floats& v) { asm volatile("" : "+v"(v)); }
};

}  // namespace

void bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panels::float_panel_times_tokens<Vectors, panels::F32<Vectors>>(
      panel, (k + 1) / 2, reinterpret_cast<const float*>(x), x_stride / 2, n_tokens, y, y_stride);
}

void round_act(const float* x, std::int64_t n, std::uint16_t* out) {
  for (std::int64_t i = 0; i < n; i += 32) {
    const __m512 low = _mm512_loadu_ps(x + i), high = _mm512_loadu_ps(x + i + 16);
    __m512i rounded;
    asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(rounded) : "v"(low), "v"(high));
    _mm512_storeu_si512(out + i, rounded);
  }
}

}  // namespace tinyllm::avx512bf16
