#pragma once
// How often a guess was right that a match of a given length made: learned while it runs. A plain
// value.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace tinyllm {

class MatchTrust {
 public:
  float of(std::int32_t match_length) const { return trust_[class_of(match_length)]; }

  // A guess of this confidence came out right or wrong.
  void learn(std::int32_t match_length, bool right, float rate) {
    float& trust = trust_[class_of(match_length)];
    trust = std::clamp(trust + rate * ((right ? 1.0f : 0.0f) - trust), 0.02f, 0.99f);
  }

 private:
  // Lengths 1, 2, 3, 4, 5-6, 7-9, 10-15, 16 and more.
  static std::size_t class_of(std::int32_t length) {
    constexpr std::array<std::int32_t, 7> kEnds{2, 3, 4, 5, 7, 10, 16};
    return static_cast<std::size_t>(std::upper_bound(kEnds.begin(), kEnds.end(), length) -
                                    kEnds.begin());
  }

  // To begin with: modest, so that a text that repeats nothing pays little.
  std::array<float, 8> trust_{0.1f, 0.2f, 0.35f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f};
};

}  // namespace tinyllm
