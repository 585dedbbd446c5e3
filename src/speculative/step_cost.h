#pragma once
// What a step of so many rows costs, in units of a step of one row, learned from the steps
// themselves: how fast the machine is at the moment (its pace) is told apart from how a step grows
// with its rows, because on a shared machine the first changes from second to second.

#include <array>
#include <cstddef>
#include <cstdint>

namespace tinyllm {

class StepCost {
 public:
  static constexpr std::int64_t kMaxRows = 64;  // larger steps are extrapolated

  // Of a step without prompts in it.
  void observe(std::int64_t n_rows, double seconds);
  double of(std::int64_t n_rows) const;
  // Seconds of a step of one row, as the machine is at the moment; 0: nothing seen.
  double pace() const { return pace_; }

 private:
  // Until it is known better: a row more costs a quarter of a step, as AVX2 does.
  static constexpr double kSlope = 0.25;

  std::array<double, kMaxRows + 1> relative_{};  // 0: never seen
  double pace_ = 0;                              // seconds a unit; 0: nothing seen
  std::int64_t last_n_rows_ = 0;
};

}  // namespace tinyllm
