#pragma once
// What a measurement gave, repeat by repeat. A plain value.

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tinyllm {

// One number a repeat.
struct Runs {
  std::vector<double> values;

  double median() const {
    std::vector<double> sorted = values;
    std::ranges::sort(sorted);
    const std::size_t n = sorted.size();
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }
};

}  // namespace tinyllm
