#pragma once
// The matrix product in the form that a linear layer needs: both inputs are read along their rows.

#include <cstdint>

namespace tinyllm::scalar {

// out[m][n] += sum over k of a[m][k] * b[n][k], that is out += a b^T.
// a: [n_m, n_k], b: [n_n, n_k], out: [n_m, n_n], all f32. A stride is the number of elements from
// one row to the next; it is n_k (n_n for out) when the rows touch. out overlaps neither input.
void matmul(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride,
            float* out, std::int64_t out_stride, std::int64_t n_m, std::int64_t n_n,
            std::int64_t n_k);

}  // namespace tinyllm::scalar
