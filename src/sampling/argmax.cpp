#include "sampling/argmax.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tinyllm {
namespace {

constexpr std::size_t kLanes = 16, kBlock = 1024;

// Largest of a block, in lanes that the compiler turns into vector registers.
float largest(std::span<const float> block) {
  std::array<float, kLanes> lane;
  lane.fill(-std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + kLanes <= block.size(); i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) {
      lane[j] = block[i + j] > lane[j] ? block[i + j] : lane[j];  // false for NaN
    }
  }
  for (; i < block.size(); ++i) lane[0] = block[i] > lane[0] ? block[i] : lane[0];
  return *std::max_element(lane.begin(), lane.end());
}

}  // namespace

TokenId argmax(std::span<const float> logits) {
  float best = -std::numeric_limits<float>::infinity();
  std::size_t best_start = 0;  // of the first block that holds `best`
  for (std::size_t start = 0; start < logits.size(); start += kBlock) {
    const float candidate = largest(logits.subspan(start, std::min(kBlock, logits.size() - start)));
    if (candidate > best) {
      best = candidate;
      best_start = start;
    }
  }
  for (std::size_t i = best_start; i < logits.size(); ++i) {
    if (logits[i] == best) return static_cast<TokenId>(i);
  }
  return 0;  // nothing but NaN
}

}  // namespace tinyllm
