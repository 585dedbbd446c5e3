// The float panels of kernels/cpu/panels with AVX-512: 16 rows a register, 32 of these.

#include "kernels/cpu/panels/float_panels.h"

#include <immintrin.h>

#include "kernels/cpu/avx512/avx512_kernels.h"

namespace tinyllm::avx512 {
namespace {

struct Vectors {
  using Floats = __m512;
  static constexpr int kRows = 16;
  static constexpr int kFloatTokens = 8;  // x 32 rows: 16 sums, 8 registers of x, one of weights

  static __m256i load_halves(const byte* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }
  static Floats load_f32(const float* at) { return _mm512_loadu_ps(at); }
  static Floats load_f16(const byte* at) { return _mm512_cvtph_ps(load_halves(at)); }
  static Floats load_bf16(const byte* at) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_halves(at)), 16));
  }
  static void store(float* at, Floats v) { _mm512_storeu_ps(at, v); }
  static Floats broadcast(float value) { return _mm512_set1_ps(value); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static void pin(Floats& v) { asm volatile("" : "+v"(v)); }
};

template <typename Element>
constexpr FloatPanel* kFloatPanel = panels::float_panel_times_tokens<Vectors, Element>;

}  // namespace

FloatPanel* const kFloatPanels[kNumTileFormats] = {
    kFloatPanel<panels::F32<Vectors>>,
    kFloatPanel<panels::F16<Vectors>>,
    kFloatPanel<panels::Bf16<Vectors>>,
};

}  // namespace tinyllm::avx512
