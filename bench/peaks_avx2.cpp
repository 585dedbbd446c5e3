#include <immintrin.h>

#include "peaks.h"

namespace tinyllm {

// Half of the chains: an addition takes one cycle, and products need registers beside the sums.
double peak_int8_avx2() {
  constexpr int kChains = kPeakChains / 2;
  return best_rate(kChains * 64.0, [](std::int64_t n_rounds) {
    __m256i sums[kChains] = {};
    __m256i x = _mm256_set1_epi8(1);
    for (std::int64_t round = 0; round < n_rounds; ++round) {
#pragma GCC unroll 12
      for (__m256i& sum : sums) {
        asm volatile("" : "+x"(x));  // a product of its own for each sum
        sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(x, x));
        asm volatile("" : "+x"(sum));
      }
    }
  });
}

double peak_f32_avx2() {
  return best_rate(kPeakChains * 16.0, [](std::int64_t n_rounds) {
    __m256 sums[kPeakChains] = {};
    __m256 x = _mm256_set1_ps(0.5f);
    for (std::int64_t round = 0; round < n_rounds; ++round) {
#pragma GCC unroll 12
      for (__m256& sum : sums) {
        asm volatile("" : "+x"(x));
        sum = _mm256_fmadd_ps(x, x, sum);
      }
    }
    for (__m256& sum : sums) asm volatile("" : "+x"(sum));
  });
}

}  // namespace tinyllm
