#pragma once
// Scales for a group of weights that lose little. Some candidates near the plain scale are refitted
// by least squares to the codes that they give, and the one with the smallest weighted error wins.
// For files, which are written once and read often; encode_* rounds plainly and is much faster.

#include <cstdint>

namespace tinyllm {

// x[i] ~ scale * codes[i], codes in [lowest, highest]. x, weights: [n] f32, weights >= 0; n <= 64.
// Returns the scale (0 for a group of zeros) and fills `codes`.
float fit_symmetric(const float* x, const float* weights, int n, int lowest, int highest,
                    std::int8_t* codes);

// x[i] ~ step * code - depth, code in [0, highest], step and depth >= 0.
struct AffineFit {
  float step, depth;
};
AffineFit fit_affine(const float* x, const float* weights, int n, int highest);

// How much an element's error counts, from the element alone: large ones count more, as
// sqrt(mean of squares over `src` + x^2). weights: [n].
void error_weights(const float* src, int n, float* weights);

}  // namespace tinyllm
