#include "engine/read_snapshot.h"

#include <algorithm>

namespace tinyllm {
namespace {

EngineLane lane_of(const Sequence& sequence, const Choice& choice, std::uint64_t n_steps) {
  EngineLane lane;
  lane.row_slot = sequence.row_slot;
  lane.request_name = choice.request->name;
  lane.choice_idx = choice.choice_idx;
  if (choice.last_step == n_steps && n_steps > 0)
    lane.state = choice.last_was_prefill ? LaneState::prefill : LaneState::decode;
  lane.n_prompt = sequence.n_prompt;
  lane.n_cached = sequence.n_cached_tokens;
  lane.n_computed = sequence.n_computed;
  lane.n_generated = sequence.n_known() - sequence.n_prompt;
  lane.max_generated = sequence.max_total_tokens - sequence.n_prompt;
  lane.n_blocks =
      static_cast<std::int32_t>(std::ranges::count_if(sequence.blocks.block_ids, is_held));
  return lane;
}

}  // namespace

std::vector<StepCounts> StepHistory::oldest_first() const {
  std::vector<StepCounts> counts;
  const std::uint64_t n_kept = std::min<std::uint64_t>(n_, ring_.size());
  for (std::uint64_t i = n_ - n_kept; i < n_; ++i) counts.push_back(ring_[i % ring_.size()]);
  return counts;
}

EngineSnapshot read_snapshot(const Scheduler& scheduler,
                             const std::unordered_map<SequenceId, Choice>& choices,
                             std::uint64_t n_steps) {
  const KvBlocks& blocks = scheduler.blocks();
  EngineSnapshot snapshot;
  snapshot.n_steps = n_steps;
  snapshot.block_size = blocks.block_size();
  snapshot.n_blocks = blocks.n_blocks();
  snapshot.n_free = blocks.n_free();
  snapshot.n_waiting = scheduler.n_waiting();

  std::vector<std::int32_t> holders(blocks.n_blocks(), BlockRun::kFree);
  for (std::int32_t block = 0; block < blocks.n_blocks(); ++block) {
    if (blocks.ref_count(block) > 0 || !blocks.is_cached(block)) continue;
    holders[block] = BlockRun::kCached;
    ++snapshot.n_cached;
  }
  scheduler.each_sequence([&](const Sequence& sequence) {
    const Choice& choice = choices.at(sequence.id);
    if (sequence.status == SequenceStatus::running) {
      const auto lane_idx = static_cast<std::int32_t>(snapshot.lanes.size());
      snapshot.lanes.push_back(lane_of(sequence, choice, n_steps));
      for (const BlockId block : sequence.blocks.block_ids) {
        if (is_held(block))
          holders[block] = blocks.ref_count(block) > 1 ? BlockRun::kShared : lane_idx;
      }
    } else if (std::ssize(snapshot.waiting) < EngineSnapshot::kMaxWaiting) {
      snapshot.waiting.push_back({choice.request->name, choice.choice_idx, sequence.n_prompt});
    }
  });
  for (const std::int32_t holder : holders) {
    if (snapshot.blocks.empty() || snapshot.blocks.back().holder != holder)
      snapshot.blocks.push_back({holder, 0});
    ++snapshot.blocks.back().n_blocks;
  }
  return snapshot;
}

}  // namespace tinyllm
