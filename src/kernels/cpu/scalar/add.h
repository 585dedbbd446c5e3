#pragma once
// The residual connection (He et al. 2015): a layer adds to the stream, it never replaces it.

#include <cstdint>

namespace tinyllm::scalar {

// x[i] += y[i]. x, y: [n] f32.
void add(float* x, const float* y, std::int64_t n);

}  // namespace tinyllm::scalar
