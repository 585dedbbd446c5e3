#pragma once
// How often a draft model's guess was right, by the probability that the draft model itself gave it:
// learned while it runs. A plain value.

#include <algorithm>
#include <array>
#include <cstddef>

namespace tinyllm {

class GuessTrust {
 public:
  float of(float probability) const { return trust_[class_of(probability)]; }
  // How often a guess is right, whatever its probability.
  float mean() const { return mean_; }
  void set_mean(float mean) { mean_ = mean; }

  // Such a guess came out right or wrong.
  void learn(float probability, bool right, float rate) {
    const auto follow = [&](float& trust) {
      trust = std::clamp(trust + rate * ((right ? 1.0f : 0.0f) - trust), 0.01f, 0.99f);
    };
    follow(trust_[class_of(probability)]);
    follow(mean_);
  }

 private:
  static std::size_t class_of(float probability) {
    constexpr std::array<float, 6> kEnds{0.3f, 0.5f, 0.7f, 0.85f, 0.95f, 0.99f};
    return static_cast<std::size_t>(std::ranges::upper_bound(kEnds, probability) - kEnds.begin());
  }

  // To begin with: as a model that knows itself well. Who starts with hope finds out what is true.
  std::array<float, 7> trust_{0.2f, 0.4f, 0.55f, 0.7f, 0.85f, 0.93f, 0.97f};
  float mean_ = 0.9f;
};

}  // namespace tinyllm
