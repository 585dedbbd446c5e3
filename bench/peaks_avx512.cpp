#include <immintrin.h>

#include "peaks.h"

namespace tinyllm {

double peak_int8_avx512() {
  return best_rate(kPeakChains * 128.0, [](std::int64_t n_rounds) {
    __m512i sums[kPeakChains] = {};
    __m512i x = _mm512_set1_epi8(1);
    for (std::int64_t round = 0; round < n_rounds; ++round) {
#pragma GCC unroll 12
      for (__m512i& sum : sums) {
        asm volatile("" : "+v"(x));
        sum = _mm512_dpbusd_epi32(sum, x, x);
      }
    }
    for (__m512i& sum : sums) asm volatile("" : "+v"(sum));
  });
}

double peak_f32_avx512() {
  return best_rate(kPeakChains * 32.0, [](std::int64_t n_rounds) {
    __m512 sums[kPeakChains] = {};
    __m512 x = _mm512_set1_ps(0.5f);
    for (std::int64_t round = 0; round < n_rounds; ++round) {
#pragma GCC unroll 12
      for (__m512& sum : sums) {
        asm volatile("" : "+v"(x));
        sum = _mm512_fmadd_ps(x, x, sum);
      }
    }
    for (__m512& sum : sums) asm volatile("" : "+v"(sum));
  });
}

}  // namespace tinyllm
