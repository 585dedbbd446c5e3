#pragma once
// How often a guess was right, by the length of the match that it was made from and by the share of
// the match's occurrences that went on so: learned while it runs. A plain value.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace tinyllm {

class MatchTrust {
 public:
  float of(std::int32_t match_length, float share) const {
    return trust_[class_of(match_length)][class_of(share)];
  }

  // Such a guess came out right or wrong.
  void learn(std::int32_t match_length, float share, bool right, float rate) {
    float& trust = trust_[class_of(match_length)][class_of(share)];
    trust = std::clamp(trust + rate * ((right ? 1.0f : 0.0f) - trust), 0.01f, 0.99f);
  }

 private:
  // Lengths 1, 2, 3, 4, 5-6, 7-9, 10-15, 16 and more.
  static std::size_t class_of(std::int32_t length) {
    constexpr std::array<std::int32_t, 7> kEnds{2, 3, 4, 5, 7, 10, 16};
    return static_cast<std::size_t>(std::upper_bound(kEnds.begin(), kEnds.end(), length) -
                                    kEnds.begin());
  }
  static std::size_t class_of(float share) { return share >= 0.9f ? 2 : share >= 0.5f ? 1 : 0; }

  // To begin with: modest, so that a text that repeats nothing pays little.
  std::array<std::array<float, 3>, 8> trust_{{{0.05f, 0.10f, 0.10f},
                                              {0.10f, 0.20f, 0.25f},
                                              {0.15f, 0.35f, 0.40f},
                                              {0.20f, 0.45f, 0.55f},
                                              {0.25f, 0.50f, 0.65f},
                                              {0.30f, 0.55f, 0.75f},
                                              {0.30f, 0.60f, 0.85f},
                                              {0.30f, 0.60f, 0.92f}}};
};

}  // namespace tinyllm
