#pragma once
// When drafts that cost time are worth it: pure arithmetic. Times are in steps of one row, and of one
// sequence: its share of what a step costs.

#include <cstdint>
#include <span>

#include "speculative/drafter.h"

namespace tinyllm {

struct DraftCosts {
  double plain = 1;  // a step without drafts
  double row = 0;    // to verify one draft more
  double draft = 0;  // to make one draft more; 0 where drafts are found, not computed
};

// A gain below this is within what the costs do not know.
inline constexpr double kLeastDraftGain = 1.02;

// Expected tokens a time with the best number of drafts, at most n_most, against a step without. Each
// draft is right with chance `right` if those before it are.
double draft_gain(double right, std::int64_t n_most, const DraftCosts& costs);
// The same of drafts that are there.
double draft_gain(std::span<const Draft> drafts, const DraftCosts& costs);

// Whether a draft more, right with chance `chance`, gives more than the n_drafts so far do, which
// promise `tokens`.
bool is_worth_one_more(double chance, double tokens, std::int64_t n_drafts,
                       const DraftCosts& costs);

}  // namespace tinyllm
