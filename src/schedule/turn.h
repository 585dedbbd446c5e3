#pragma once
// Whose turn comes first.

#include <cstdint>

#include "schedule/sequence.h"

namespace tinyllm {

// One level of priority lets a sequence pass this many older
// ones, and no more: under any load everybody's turn comes.
inline constexpr std::int64_t kArrivalsPerPriority = 1000;

// Whether `a` runs before `b`. Priorities are equal (0) under first come, first served.
inline bool more_urgent(const Sequence* a, const Sequence* b) {
  const auto place = [](const Sequence& sequence) {
    return static_cast<std::int64_t>(sequence.arrival) + kArrivalsPerPriority * sequence.priority;
  };
  const std::int64_t of_a = place(*a), of_b = place(*b);
  return of_a != of_b ? of_a < of_b : a->arrival < b->arrival;
}

inline bool less_urgent(const Sequence* a, const Sequence* b) { return more_urgent(b, a); }

}  // namespace tinyllm
