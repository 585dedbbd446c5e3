#pragma once
// A linear layer on a weight in any format: decodes a few of its rows and multiplies every token
// with these before it goes on.

#include <cstdint>

#include "tensor/tensor.h"

namespace tinyllm::scalar {

// out[t][n] = sum over k of x[t][k] * W[n][k] + bias[n], for n in [row_begin, row_end).
// x: [n_tokens, n_k] f32. weight: [n_n, n_k], any dtype, rows at any alignment. bias: [n_n] f32 or
// nullptr. out: [n_tokens, n_n] f32, columns outside [row_begin, row_end) are left alone: threads
// split the rows of the weight between them. Accumulates in f32.
void linear(const float* x, std::int64_t n_tokens, const Tensor& weight, const float* bias,
            float* out, std::int64_t row_begin, std::int64_t row_end);

}  // namespace tinyllm::scalar
