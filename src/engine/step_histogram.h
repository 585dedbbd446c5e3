#pragma once
// How often a quantity of a step fell between which bounds. The engine thread observes, any thread
// reads; nothing is allocated and nobody waits.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tinyllm {

template <std::size_t n_bounds>
class StepHistogram {
 public:
  using Counts = std::array<std::uint64_t, n_bounds + 1>;

  // Ascending. Bucket i counts values in (bounds[i - 1], bounds[i]], the last one all above.
  explicit constexpr StepHistogram(const std::array<double, n_bounds>& bounds) : bounds_(bounds) {}

  void observe(double value) {
    std::size_t i = 0;
    while (i < n_bounds && value > bounds_[i]) ++i;
    // One writer: a load and a store do what an atomic addition would.
    counts_[i].store(counts_[i].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }

  const std::array<double, n_bounds>& bounds() const { return bounds_; }
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  Counts counts() const {
    Counts counts;
    for (std::size_t i = 0; i < counts.size(); ++i)
      counts[i] = counts_[i].load(std::memory_order_relaxed);
    return counts;
  }

 private:
  std::array<double, n_bounds> bounds_;
  std::array<std::atomic<std::uint64_t>, n_bounds + 1> counts_{};
  std::atomic<double> sum_{0};
};

}  // namespace tinyllm
