#pragma once
// How the reference path splits its work over the pool.
// Which worker computes a row changes no result.

#include <cstdint>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "tensor/tensor.h"

namespace tinyllm::reference {

// scalar::linear, the rows of the weight split over the workers.
// x: [n_tokens, weight.n_cols()] f32, out: [n_tokens, weight.n_rows()] f32.
// bias: [weight.n_rows()] f32, or an empty Tensor.
void parallel_linear(ThreadPool& pool, const float* x, std::int64_t n_tokens, const Tensor& weight,
                     const Tensor& bias, float* out);

// body(t) for every token t in [0, n_tokens), any order. A single token runs on the caller: waking
// the others costs more than a row operation.
void for_each_token(ThreadPool& pool, std::int64_t n_tokens,
                    function_ref<void(std::int64_t t)> body);

}  // namespace tinyllm::reference
