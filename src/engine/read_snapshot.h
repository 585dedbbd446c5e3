#pragma once
// Reads a snapshot out of the scheduler. Engine thread only, between two steps.

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/choice.h"
#include "engine/engine_snapshot.h"
#include "schedule/scheduler.h"

namespace tinyllm {

// The counts of the last steps.
class StepHistory {
 public:
  void add(const StepCounts& counts) { ring_[n_++ % ring_.size()] = counts; }
  std::vector<StepCounts> oldest_first() const;

 private:
  std::array<StepCounts, 120> ring_{};
  std::uint64_t n_ = 0;
};

// All of the snapshot but n_steps, max_num_seqs and recent. `n_steps`: the number of the last step.
EngineSnapshot read_snapshot(const Scheduler& scheduler,
                             const std::unordered_map<SequenceId, Choice>& choices,
                             std::uint64_t n_steps);

}  // namespace tinyllm
