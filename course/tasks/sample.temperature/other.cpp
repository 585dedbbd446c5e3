// Another way to sample.temperature: each exponent by its own division, in double.
#include "sampling/temperature.h"

#include <cmath>

void tinyllm::apply_temperature(std::span<const float> logits, float max_logit, float temperature,
                                std::span<float> exponents) {
  for (std::size_t i = logits.size(); i-- > 0;) {
    const double below = static_cast<double>(max_logit) - logits[i];
    exponents[i] = std::isnan(below) || below == 0
                       ? 0.0f
                       : static_cast<float>(-below / (temperature * std::log(2.0)));
  }
}
