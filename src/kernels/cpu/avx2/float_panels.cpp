// The float panels of kernels/cpu/panels with AVX2 and FMA: 8 rows a register, 16 of these.

#include "kernels/cpu/panels/float_panels.h"

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"

namespace tinyllm::avx2 {
namespace {

struct Vectors {
  using Floats = __m256;
  static constexpr int kRows = 8;
  static constexpr int kFloatTokens = 3;  // x 32 rows: 12 sums, 3 registers of x, one of weights

  static __m128i load_halves(const byte* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  }
  static Floats load_f32(const float* at) { return _mm256_loadu_ps(at); }
  static Floats load_f16(const byte* at) { return _mm256_cvtph_ps(load_halves(at)); }
  static Floats load_bf16(const byte* at) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_halves(at)), 16));
  }
  static void store(float* at, Floats v) { _mm256_storeu_ps(at, v); }
  static Floats broadcast(float value) { return _mm256_set1_ps(value); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static void pin(Floats& v) { asm volatile("" : "+x"(v)); }
};

template <typename Element>
constexpr FloatPanel* kFloatPanel = panels::float_panel_times_tokens<Vectors, Element>;

}  // namespace

FloatPanel* const kFloatPanels[kNumTileFormats] = {
    kFloatPanel<panels::F32<Vectors>>,
    kFloatPanel<panels::F16<Vectors>>,
    kFloatPanel<panels::Bf16<Vectors>>,
};

}  // namespace tinyllm::avx2
