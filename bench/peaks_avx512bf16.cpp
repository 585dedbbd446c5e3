#include <immintrin.h>

#include "peaks.h"

namespace tinyllm {

double peak_bf16_avx512() {
  return best_rate(kPeakChains * 64.0, [](std::int64_t n_rounds) {
    __m512 sums[kPeakChains] = {};
    const __m512i x = _mm512_set1_epi32(0x3F003F00);  // two halves
    for (std::int64_t round = 0; round < n_rounds; ++round) {
#pragma GCC unroll 12
      for (__m512& sum : sums) {
        asm volatile("vdpbf16ps %1, %1, %0" : "+v"(sum) : "v"(x));
      }
    }
    for (__m512& sum : sums) asm volatile("" : "+v"(sum));
  });
}

}  // namespace tinyllm
