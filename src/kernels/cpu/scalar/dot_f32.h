#pragma once
// The inner product: where a language model spends nearly all of its time.

#include <cstdint>

namespace tinyllm::scalar {

// sum over k of a[k] * b[k]. a, b: [n] f32. 0 when n is 0. Accumulates in f32.
float dot_f32(const float* a, const float* b, std::int64_t n);

}  // namespace tinyllm::scalar
