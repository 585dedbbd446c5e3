#include <immintrin.h>

#include "peaks.h"

namespace tinyllm {

double peak_int8_avxvnni() {
  return best_rate(kPeakChains * 64.0, [](std::int64_t n_rounds) {
    __m256i sums[kPeakChains] = {};
    const __m256i x = _mm256_set1_epi8(1);
    for (std::int64_t round = 0; round < n_rounds; ++round) {
#pragma GCC unroll 12
      // As assembly: with the intrinsic g++ 12 stores the sums in every round.
      for (__m256i& sum : sums) asm volatile("%{vex%} vpdpbusd %1, %1, %0" : "+x"(sum) : "x"(x));
    }
    for (__m256i& sum : sums) asm volatile("" : "+x"(sum));
  });
}

}  // namespace tinyllm
