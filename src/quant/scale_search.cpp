#include "quant/scale_search.h"

#include <algorithm>
#include <cmath>

namespace tinyllm {
namespace {

constexpr int kCandidates = 9;          // on each side of the plain scale
constexpr float kCandidateStep = 0.1f;  // in codes at the end of the range

// sum w (x - scale * code)^2 is smallest at scale = wxc / wcc; there it is sum w x^2 less gain().
struct SymmetricSums {
  float wxc = 0, wcc = 0;

  float scale() const { return wcc > 0 ? wxc / wcc : 0.0f; }
  float gain() const { return wcc > 0 ? wxc * wxc / wcc : 0.0f; }
};

SymmetricSums round_symmetric(const float* x, const float* weights, int n, float inverse,
                              int lowest, int highest, std::int8_t* codes) {
  SymmetricSums sums;
  for (int i = 0; i < n; ++i) {
    const float code = std::clamp(std::nearbyint(inverse * x[i]), static_cast<float>(lowest),
                                  static_cast<float>(highest));
    codes[i] = static_cast<std::int8_t>(code);
    sums.wxc += weights[i] * x[i] * code;
    sums.wcc += weights[i] * code * code;
  }
  return sums;
}

// The least-squares line through (code, x) for the codes of one candidate, and its error.
struct AffineTrial {
  AffineFit fit;
  float error;
};

AffineTrial try_affine(const float* x, const float* weights, int n, float inverse, float minimum,
                       int highest) {
  float w = 0, wc = 0, wcc = 0, wx = 0, wxc = 0, wxx = 0;
  for (int i = 0; i < n; ++i) {
    const float code =
        std::clamp(std::nearbyint(inverse * (x[i] - minimum)), 0.0f, static_cast<float>(highest));
    w += weights[i];
    wc += weights[i] * code;
    wcc += weights[i] * code * code;
    wx += weights[i] * x[i];
    wxc += weights[i] * x[i] * code;
    wxx += weights[i] * x[i] * x[i];
  }
  // All codes equal (up to rounding): no line, a scale alone. A depth is never negative.
  const float determinant = w * wcc - wc * wc;
  const bool has_line = determinant > 1e-6f * w * wcc;
  float step = has_line ? (w * wxc - wc * wx) / determinant : 0.0f;
  float offset = has_line ? (wx - step * wc) / w : 0.0f;
  if (!has_line || offset > 0) {
    offset = 0;
    step = wcc > 0 ? wxc / wcc : 0.0f;
  }
  const float error = wxx - 2 * (step * wxc + offset * wx) + step * step * wcc +
                      2 * step * offset * wc + offset * offset * w;
  return {{std::max(step, 0.0f), -offset}, error};
}

}  // namespace

float fit_symmetric(const float* x, const float* weights, int n, int lowest, int highest,
                    std::int8_t* codes) {
  float extreme = 0;  // the element of largest magnitude, which gets the code `lowest`
  for (int i = 0; i < n; ++i) {
    if (std::abs(x[i]) > std::abs(extreme)) extreme = x[i];
  }
  if (extreme == 0) {
    std::fill(codes, codes + n, std::int8_t{0});
    return 0;
  }
  float best_gain = -1, best_inverse = 0;
  for (int candidate = -kCandidates; candidate <= kCandidates; ++candidate) {
    const float end = static_cast<float>(lowest) + kCandidateStep * static_cast<float>(candidate);
    const float inverse = end / extreme;
    const float gain = round_symmetric(x, weights, n, inverse, lowest, highest, codes).gain();
    if (gain > best_gain) {
      best_gain = gain;
      best_inverse = inverse;
    }
  }
  return round_symmetric(x, weights, n, best_inverse, lowest, highest, codes).scale();
}

AffineFit fit_affine(const float* x, const float* weights, int n, int highest) {
  const auto [smallest, largest] = std::minmax_element(x, x + n);
  const float minimum = std::min(*smallest, 0.0f);
  const float range = *largest - minimum;
  if (range <= 0) return {0.0f, -minimum};
  AffineTrial best{{range / static_cast<float>(highest), -minimum}, INFINITY};
  for (int candidate = -kCandidates; candidate <= kCandidates; ++candidate) {
    const float end = static_cast<float>(highest) + kCandidateStep * static_cast<float>(candidate);
    const AffineTrial trial = try_affine(x, weights, n, end / range, minimum, highest);
    if (trial.error < best.error) best = trial;
  }
  return best.fit;
}

void error_weights(const float* src, int n, float* weights) {
  float sum = 0;
  for (int i = 0; i < n; ++i) sum += src[i] * src[i];
  const float mean = sum / static_cast<float>(n);
  for (int i = 0; i < n; ++i) weights[i] = std::sqrt(mean + src[i] * src[i]);
}

}  // namespace tinyllm
