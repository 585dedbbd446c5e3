// Products of rows of bytes with VNNI, which multiplies unsigned bytes by signed ones: a row's bytes
// get 128 more, and 128 times the sum of x goes off at the end.

#include <immintrin.h>

#include "kernels/cpu/avx512/avx512_kernels.h"

namespace tinyllm::avx512 {

static inline __m512i row_bytes(const std::int8_t* at) {
  return _mm512_xor_si512(_mm512_loadu_si512(at), _mm512_set1_epi8(-128));
}

void dot_i8(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
            std::int32_t* out) {
  __m512i sums = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < n; i += 64)
    sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), _mm512_loadu_si512(x + i));
  const std::int32_t excess = 128 * _mm512_reduce_add_epi32(sums);
  std::int64_t r = 0;
  for (; r + 4 <= n_rows; r += 4) {
    const std::int8_t* row = rows + r * n;
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (std::int64_t i = 0; i < n; i += 64) {
      const __m512i x_bytes = _mm512_loadu_si512(x + i);
      a = _mm512_dpbusd_epi32(a, row_bytes(row + i), x_bytes);
      b = _mm512_dpbusd_epi32(b, row_bytes(row + n + i), x_bytes);
      c = _mm512_dpbusd_epi32(c, row_bytes(row + 2 * n + i), x_bytes);
      d = _mm512_dpbusd_epi32(d, row_bytes(row + 3 * n + i), x_bytes);
    }
    out[r] = _mm512_reduce_add_epi32(a) - excess;
    out[r + 1] = _mm512_reduce_add_epi32(b) - excess;
    out[r + 2] = _mm512_reduce_add_epi32(c) - excess;
    out[r + 3] = _mm512_reduce_add_epi32(d) - excess;
  }
  for (; r < n_rows; ++r) {
    __m512i a = _mm512_setzero_si512();
    for (std::int64_t i = 0; i < n; i += 64)
      a = _mm512_dpbusd_epi32(a, row_bytes(rows + r * n + i), _mm512_loadu_si512(x + i));
    out[r] = _mm512_reduce_add_epi32(a) - excess;
  }
}

}  // namespace tinyllm::avx512
