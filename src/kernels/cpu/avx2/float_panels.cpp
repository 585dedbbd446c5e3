// One 32-row panel of float weights times f32 activations: lane r of the sums is row r, columns
// ascending.

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "quant/tile_format.h"

namespace tinyllm::avx2 {
namespace {

struct F32 {
  static constexpr int kBytes = 4;
  static __m256 load(const byte* at) { return _mm256_loadu_ps(reinterpret_cast<const float*>(at)); }
};

struct F16 {
  static constexpr int kBytes = 2;
  static __m256 load(const byte* at) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
};

struct Bf16 {
  static constexpr int kBytes = 2;
  static __m256 load(const byte* at) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
};

template <typename Element, int kTokens>
void panel_times(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride, float* y,
                 std::int64_t y_stride) {
  __m256 acc[kTokens][4];
  for (int t = 0; t < kTokens; ++t) {
    for (int j = 0; j < 4; ++j) acc[t][j] = _mm256_setzero_ps();
  }
  for (std::int64_t col = 0; col < k; ++col) {
    const byte* weights = panel + col * kTileRows * Element::kBytes;
    for (int j = 0; j < 4; ++j) {
      const __m256 w = Element::load(weights + 8 * j * Element::kBytes);
      for (int t = 0; t < kTokens; ++t) {
        acc[t][j] = _mm256_fmadd_ps(w, _mm256_broadcast_ss(x + t * x_stride + col), acc[t][j]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int j = 0; j < 4; ++j) _mm256_storeu_ps(y + t * y_stride + 8 * j, acc[t][j]);
  }
}

template <typename Element>
void panel_times_tokens(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
                        std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  std::int64_t t = 0;
  for (; t + 3 <= n_tokens; t += 3) {
    panel_times<Element, 3>(panel, k, x + t * x_stride, x_stride, y + t * y_stride, y_stride);
  }
  for (; t < n_tokens; ++t) {
    panel_times<Element, 1>(panel, k, x + t * x_stride, x_stride, y + t * y_stride, y_stride);
  }
}

}  // namespace

FloatPanel* const kFloatPanels[kNumTileFormats] = {
    panel_times_tokens<F32>,
    panel_times_tokens<F16>,
    panel_times_tokens<Bf16>,
};

}  // namespace tinyllm::avx2
