#include "rope/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "rope/yarn.h"

namespace tinyllm {
namespace {

// A pair that turns more than high_freq_factor times within the trained length keeps its frequency.
// One that turns less than low_freq_factor times is slowed by `factor`. Between them is a mixture.
double scale_llama3(double inv_freq, const RopeScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / inv_freq;
  const double turns = scaling.original_max_seq_len / wavelength;  // within the trained length
  const double kept = std::clamp(
      (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor), 0.0,
      1.0);
  return kept * inv_freq + (1 - kept) * inv_freq / scaling.factor;
}

// The (fractional) dimension whose pair turns n_turns times within the trained length.
double yarn_dimension(double n_turns, double head_dim, double theta, double trained_length) {
  return head_dim * std::log(trained_length / (n_turns * 2 * std::numbers::pi)) /
         (2 * std::log(theta));
}

void scale_yarn(std::vector<double>& inv_freq, double head_dim, double theta,
                const RopeScaling& scaling) {
  const double trained_length = scaling.original_max_seq_len;
  double first = yarn_dimension(scaling.beta_fast, head_dim, theta, trained_length);
  double last = yarn_dimension(scaling.beta_slow, head_dim, theta, trained_length);
  if (scaling.truncate) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, head_dim - 1);
  if (first == last) last += 0.001;  // a step, not a division by zero
  for (std::size_t i = 0; i < inv_freq.size(); ++i) {
    const double stretched =
        std::clamp((static_cast<double>(i) - first) / (last - first), 0.0, 1.0);
    inv_freq[i] = stretched * inv_freq[i] / scaling.factor + (1 - stretched) * inv_freq[i];
  }
}

}  // namespace

RopeFrequencies rope_frequencies(std::int64_t head_dim, double theta, const RopeScaling& scaling) {
  RopeFrequencies out;
  out.inv_freq.resize(head_dim / 2);
  for (std::size_t i = 0; i < out.inv_freq.size(); ++i) {
    out.inv_freq[i] =
        std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
  }
  switch (scaling.type) {
    case RopeScaling::Type::none: break;
    case RopeScaling::Type::linear:
      for (double& inv_freq : out.inv_freq) inv_freq /= scaling.factor;
      break;
    case RopeScaling::Type::llama3:
      for (double& inv_freq : out.inv_freq) inv_freq = scale_llama3(inv_freq, scaling);
      break;
    case RopeScaling::Type::yarn:
      scale_yarn(out.inv_freq, static_cast<double>(head_dim), theta, scaling);
      out.attention_factor =
          scaling.attention_factor != 0.0 ? scaling.attention_factor : yarn_mscale(scaling.factor);
      break;
  }
  if (!scaling.freq_factors.empty()) {
    CHECK(scaling.freq_factors.size() == out.inv_freq.size(), "{} frequency factors for {} pairs",
          scaling.freq_factors.size(), out.inv_freq.size());
    for (std::size_t i = 0; i < out.inv_freq.size(); ++i) {
      out.inv_freq[i] /= static_cast<double>(scaling.freq_factors[i]);
    }
  }
  return out;
}

}  // namespace tinyllm
