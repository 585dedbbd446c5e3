#include "speculative/step_cost.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

// Other programs only ever make a step slower. So what was seen faster is believed soon, what was
// seen slower only after a while.
double follow(double value, double seen) {
  constexpr double kDown = 0.4, kUp = 0.06;
  return value + (seen < value ? kDown : kUp) * (seen - value);
}

}  // namespace

void StepCost::observe(std::int64_t n_rows, double seconds) {
  if (n_rows < 1 || n_rows > kMaxRows) return;
  const double expected = of(n_rows);
  if (pace_ == 0) pace_ = seconds / expected;
  const double units = seconds / pace_;
  pace_ = follow(pace_, seconds / expected);
  // Two steps of different size tell how one grows; two of the same size tell of the pace only.
  if (n_rows == std::exchange(last_n_rows_, n_rows) || n_rows == 1) return;
  double& relative = relative_[static_cast<std::size_t>(n_rows)];
  relative = follow(relative == 0 ? expected : relative, units);
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
