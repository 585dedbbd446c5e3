#include "kernels/cpu/scalar/dot_i8.h"

namespace tinyllm::scalar {

void dot_i8(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
            std::int32_t* out) {
  for (std::int64_t r = 0; r < n_rows; ++r) {
    std::int32_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += rows[r * n + i] * x[i];
    out[r] = sum;
  }
}

}  // namespace tinyllm::scalar
