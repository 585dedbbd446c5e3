// Products of rows of bytes with the dot-product instructions, four sums a row.

#include <arm_neon.h>

#include "kernels/cpu/neon/neon_kernels.h"

namespace tinyllm::neon {

void dot_i8(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
            std::int32_t* out) {
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const std::int8_t* row = rows + r * n;
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
    for (std::int64_t i = 0; i < n; i += 64) {
      a = vdotq_s32(a, vld1q_s8(row + i), vld1q_s8(x + i));
      b = vdotq_s32(b, vld1q_s8(row + i + 16), vld1q_s8(x + i + 16));
      c = vdotq_s32(c, vld1q_s8(row + i + 32), vld1q_s8(x + i + 32));
      d = vdotq_s32(d, vld1q_s8(row + i + 48), vld1q_s8(x + i + 48));
    }
    out[r] = vaddvq_s32(vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)));
  }
}

}  // namespace tinyllm::neon
