// Products of rows of bytes: 16 bytes are widened to 16 bits, whose products are summed in pairs.

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"

namespace tinyllm::avx2 {

static inline __m256i widened(const std::int8_t* at) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}

static inline std::int32_t sum_of(__m256i v) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return _mm_cvtsi128_si32(sum);
}

void dot_i8(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
            std::int32_t* out) {
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const std::int8_t* row = rows + r * n;
    __m256i a = _mm256_setzero_si256(), b = a;
    for (std::int64_t i = 0; i < n; i += 32) {
      a = _mm256_add_epi32(a, _mm256_madd_epi16(widened(row + i), widened(x + i)));
      b = _mm256_add_epi32(b, _mm256_madd_epi16(widened(row + i + 16), widened(x + i + 16)));
    }
    out[r] = sum_of(_mm256_add_epi32(a, b));
  }
}

}  // namespace tinyllm::avx2
