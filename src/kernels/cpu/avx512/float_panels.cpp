// One 32-row panel of float weights times f32 activations: lane r of the sums is row r, columns
// ascending.

#include <immintrin.h>

#include "kernels/cpu/avx512/avx512_kernels.h"
#include "quant/tile_format.h"

namespace tinyllm::avx512 {
namespace {

struct F32 {
  static constexpr int kBytes = 4;
  static __m512 load(const byte* at) { return _mm512_loadu_ps(at); }
};

struct F16 {
  static constexpr int kBytes = 2;
  static __m512 load(const byte* at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
  }
};

struct Bf16 {
  static constexpr int kBytes = 2;
  static __m512 load(const byte* at) {
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
};

template <typename Element, int kTokens>
void panel_times(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride, float* y,
                 std::int64_t y_stride) {
  constexpr int kColBytes = kTileRows * Element::kBytes;
  constexpr int kPrefetch = 2048;  // bytes ahead
  __m512 acc[kTokens][2];
  for (int t = 0; t < kTokens; ++t) acc[t][0] = acc[t][1] = _mm512_setzero_ps();
  for (std::int64_t col = 0; col < k; ++col) {
    const byte* weights = panel + col * kColBytes;
    for (int line = 0; line < kColBytes; line += 64)
      _mm_prefetch(reinterpret_cast<const char*>(weights) + kPrefetch + line, _MM_HINT_T0);
    const __m512 rows_0 = Element::load(weights);
    const __m512 rows_1 = Element::load(weights + 16 * Element::kBytes);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const __m512 value = _mm512_set1_ps(x[t * x_stride + col]);
      acc[t][0] = _mm512_fmadd_ps(rows_0, value, acc[t][0]);
      acc[t][1] = _mm512_fmadd_ps(rows_1, value, acc[t][1]);
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    _mm512_storeu_ps(y + t * y_stride, acc[t][0]);
    _mm512_storeu_ps(y + t * y_stride + 16, acc[t][1]);
  }
}

template <typename Element>
void panel_times_tokens(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
                        std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  const auto pass = [&](auto times, std::int64_t t) {
    times(panel, k, x + t * x_stride, x_stride, y + t * y_stride, y_stride);
  };
  std::int64_t t = 0;
  for (; n_tokens - t >= 8; t += 8) pass(panel_times<Element, 8>, t);
  for (; n_tokens - t >= 4; t += 4) pass(panel_times<Element, 4>, t);
  for (; n_tokens - t >= 2; t += 2) pass(panel_times<Element, 2>, t);
  if (n_tokens > t) pass(panel_times<Element, 1>, t);
}

}  // namespace

FloatPanel* const kFloatPanels[kNumTileFormats] = {
    panel_times_tokens<F32>,
    panel_times_tokens<F16>,
    panel_times_tokens<Bf16>,
};

}  // namespace tinyllm::avx512
