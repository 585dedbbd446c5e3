#include "speculative/step_cost.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

constexpr double kPaceRate = 1.0 / 4, kRelativeRate = 1.0 / 8;
constexpr double kOutlier = 2;  // another program had the core: counts as this much at most

}  // namespace

void StepCost::observe(std::int64_t n_rows, double seconds) {
  if (n_rows < 1 || n_rows > kMaxRows) return;
  const double expected = of(n_rows);
  if (pace_ == 0) pace_ = seconds / expected;
  const double units = std::min(seconds / pace_, kOutlier * expected);
  pace_ *= 1 + kPaceRate * (units / expected - 1);
  // Two steps of different size tell how one grows; two of the same size tell of the pace only.
  if (n_rows == std::exchange(last_n_rows_, n_rows) || n_rows == 1) return;
  double& relative = relative_[static_cast<std::size_t>(n_rows)];
  relative = relative == 0 ? (expected + units) / 2 : relative + kRelativeRate * (units - relative);
}

double StepCost::of(std::int64_t n_rows) const {
  const auto known = [&](std::int64_t n) {
    return n <= kMaxRows && relative_[static_cast<std::size_t>(n)] > 0;
  };
  if (n_rows <= 1) return 1;
  if (known(n_rows)) return relative_[static_cast<std::size_t>(n_rows)];
  std::int64_t below = std::min(n_rows, kMaxRows), above = n_rows;
  while (below > 1 && !known(below)) --below;
  while (above <= kMaxRows && !known(above)) ++above;
  const double at_below = below == 1 ? 1 : relative_[static_cast<std::size_t>(below)];
  if (above > kMaxRows) {
    // Rows get cheaper with their number: half of what they cost so far, but not less than kSlope.
    const double so_far = below == 1 ? 0 : (at_below - 1) / static_cast<double>(below - 1);
    return at_below + std::max(kSlope, so_far / 2) * static_cast<double>(n_rows - below);
  }
  const double at_above = relative_[static_cast<std::size_t>(above)];
  return at_below + (at_above - at_below) * static_cast<double>(n_rows - below) /
                        static_cast<double>(above - below);
}

}  // namespace tinyllm
