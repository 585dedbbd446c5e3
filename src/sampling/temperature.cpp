#include "sampling/temperature.h"

#include <algorithm>
#include <limits>

namespace tinyllm {

void apply_temperature(std::span<const float> logits, float max_logit, float temperature,
                       std::span<float> exponents) {
  // >>> sample.temperature
  constexpr float kLog2E = 0x1.715476p+0f;
  // Finite for every temperature, so that 0 x scale is 0 and never NaN.
  const float scale = std::min(kLog2E / temperature, std::numeric_limits<float>::max());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float difference = logits[i] - max_logit;  // NaN for +inf - +inf
    exponents[i] = logits[i] == max_logit ? 0.0f : difference * scale;
  }
  // <<< sample.temperature
}

}  // namespace tinyllm
