#include "speculative/draft_worth.h"

#include <algorithm>

namespace tinyllm {
namespace {

double rate(double tokens, std::int64_t n_drafts, const DraftCosts& costs) {
  return tokens / (costs.plain + static_cast<double>(n_drafts) * (costs.row + costs.draft));
}

}  // namespace

double draft_gain(double right, std::int64_t n_most, const DraftCosts& costs) {
  double chance = 1, tokens = 1, best = rate(1, 0, costs);
  for (std::int64_t n = 1; n <= n_most; ++n) {
    chance *= right;
    tokens += chance;
    best = std::max(best, rate(tokens, n, costs));
  }
  return best * costs.plain;
}

double draft_gain(std::span<const Draft> drafts, const DraftCosts& costs) {
  double chance = 1, tokens = 1, best = rate(1, 0, costs);
  std::int64_t n = 0;
  for (const Draft& draft : drafts) {
    chance *= static_cast<double>(draft.confidence);
    tokens += chance;
    best = std::max(best, rate(tokens, ++n, costs));
  }
  return best * costs.plain;
}

bool is_worth_one_more(double chance, double tokens, std::int64_t n_drafts,
                       const DraftCosts& costs) {
  return rate(tokens + chance, n_drafts + 1, costs) > rate(tokens, n_drafts, costs);
}

}  // namespace tinyllm
