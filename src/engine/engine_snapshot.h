#pragma once
// What the engine looks like between two steps: who holds which KV block, what each running
// sequence does, who waits. Counts only, no token and no text. Plain data, made by the engine
// thread for whoever asked (Engine::request_snapshot).

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "api/output.h"

namespace tinyllm {

// The tokens that one step computed: of prompts (and of texts that were preempted), and one for
// each text that went on.
struct StepCounts {
  std::uint64_t step_id = 0;
  std::int32_t n_prefill = 0, n_decode = 0;
  float ms = 0;  // what the step took
};

enum class LaneState { prefill, decode, idle };  // idle: the last step did not compute it

// A running sequence and its row of the batch.
struct EngineLane {
  std::int32_t row_slot = 0;  // [0, max_num_seqs)
  std::string request_name;
  int choice_idx = 0;
  LaneState state = LaneState::idle;
  std::int64_t n_prompt = 0, n_cached = 0;  // tokens of the prompt, and how many were not computed
  std::int64_t n_computed = 0;              // positions that have K/V rows, cached ones included
  std::int64_t n_generated = 0, max_generated = 0;
  std::int32_t n_blocks = 0;
};

struct WaitingRequest {
  std::string request_name;
  int choice_idx = 0;
  std::int64_t n_prompt = 0;
};

// Neighbouring blocks in the same state.
struct BlockRun {
  static constexpr std::int32_t kFree = -1, kCached = -2, kShared = -3;
  std::int32_t holder = kFree;  // an index into lanes, or: free; free, but a prompt that starts
                                // with its content finds it; held by several lanes
  std::int32_t n_blocks = 0;
};

struct EngineSnapshot {
  std::uint64_t n_steps = 0;
  std::int32_t max_num_seqs = 0, block_size = 0;
  std::int32_t n_blocks = 0, n_free = 0, n_cached = 0;  // n_free counts the cached ones too
  std::vector<EngineLane> lanes;                        // most urgent first
  std::vector<WaitingRequest> waiting;                  // the first kMaxWaiting of n_waiting
  std::int32_t n_waiting = 0;
  std::vector<BlockRun> blocks;    // sums up to n_blocks
  std::vector<StepCounts> recent;  // the last steps, oldest first
  // Since the start: verifications of drafts, and [i]: those in which at least i + 1 were right.
  std::uint64_t n_drafts = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(kMaxDrafts)> n_accepted_at{};

  static constexpr std::int32_t kMaxWaiting = 32;
};

}  // namespace tinyllm
