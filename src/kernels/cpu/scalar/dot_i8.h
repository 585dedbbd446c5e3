#pragma once
// The products of rows of bytes with one row: what a search over stored vectors computes.

#include <cstdint>

namespace tinyllm::scalar {

// out[r] = sum over i of rows[r][i] * x[i], exact. rows: [n_rows, n] i8, x: [n] i8, out: [n_rows];
// n % 64 == 0, n <= 65536 (then no sum leaves int32).
void dot_i8(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
            std::int32_t* out);

}  // namespace tinyllm::scalar
