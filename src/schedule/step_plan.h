#pragma once
// The interface between scheduler and runner: which tokens of which sequences one step computes.
// There are no phases. Decode is one new token, a prefill chunk k of them, a resumed sequence the
// rest, verification of k drafts 1 + k. All kinds stand in one plan.

#include <cstdint>
#include <span>
#include <vector>

#include "api/sampling_params.h"
#include "cache/block_pool.h"

namespace tinyllm {

using SequenceId = std::uint64_t;

struct PlanRow {
  SequenceId sequence_id = 0;
  std::int32_t row_slot = 0;  // [0, max_num_seqs): where the backend keeps this sequence's state
  std::int32_t adapter_slot = -1;
  std::int64_t start = 0;  // position of the first new token; [0, start) have K/V rows
  std::int32_t n_new_tokens = 0;
  std::int32_t n_logits = 0;  // logits are wanted for the last n_logits of the new tokens
  // A token is drawn after each of the last n_draws new tokens (n_draws <= n_logits): 0 in the
  // middle of a prompt, 1 at its end, 1 + k where the last k new tokens are drafts. Of the drawn
  // ones those count that stand before the first which is not the draft at its place, and that one.
  std::int32_t n_draws = 0;
  bool begins_to_draw = false;  // the first draw since the sequence got this row slot
  // The single new token is the one that the step in
  // flight draws for this row_slot: not known here yet.
  bool last_sampled = false;
  std::span<const TokenId> token_ids;  // [n_new_tokens]; empty when last_sampled
  // Covers positions [0, start + n_new_tokens). ~id: given back, since no row from here on sees it.
  std::span<const BlockId> block_table;
};

// The spans look into the scheduler: valid until its next call.
struct StepPlan {
  std::uint64_t step_id = 0;
  std::vector<PlanRow> rows;
  std::int64_t n_tokens = 0;  // sum of n_new_tokens
};

}  // namespace tinyllm
