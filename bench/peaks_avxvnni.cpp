#include <immintrin.h>

#include "peaks.h"

namespace tinyllm {

double peak_int8_avxvnni() {
  return best_rate(kPeakChains * 64.0, [](std::int64_t n_rounds) {
    __m256i sums[kPeakChains] = {};
    __m256i x = _mm256_set1_epi8(1);
    for (std::int64_t round = 0; round < n_rounds; ++round) {
#pragma GCC unroll 12
      for (__m256i& sum : sums) {
        asm volatile("" : "+x"(x));
        sum = _mm256_dpbusd_avx_epi32(sum, x, x);
      }
    }
    for (__m256i& sum : sums) asm volatile("" : "+x"(sum));
  });
}

}  // namespace tinyllm
