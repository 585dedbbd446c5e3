#pragma once
// One text in the making, as the scheduler sees it: tokens, how far they are computed, which blocks
// they hold. Integers only; sampling parameters and texts live in the engine. Engine thread only.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "api/output.h"
#include "cache/kv_blocks.h"
#include "schedule/step_plan.h"

namespace tinyllm {

enum class SequenceStatus { waiting, running, finished };

//   token_ids   [ prompt ............ | output ..... ]  + n_pending: steps in flight draw them
//   K/V rows    [0, n_computed) done   [n_computed, n_computed + n_in_flight) in flight
//               or [n_computed, n_computed + n_loading) on their way from the page store
struct Sequence {
  SequenceId id = 0;
  std::vector<TokenId> token_ids;  // prompt and output; capacity for max_total_tokens
  std::int64_t n_prompt = 0;
  std::int64_t max_total_tokens = 0;  // prompt + max_tokens, within the context
  std::int32_t priority = 0;          // lower runs first (vLLM's rule)
  std::uint64_t arrival = 0;          // order of submission
  std::string cache_salt;
  bool wants_prompt_logits = false;  // logits of every prompt position; reads no cached prefix
  SequenceId leader = 0;  // n > 1: wait until this sequence has computed the common prompt
  std::int32_t adapter_slot = -1;
  bool waits_for_token = false;  // its next row is planned once no token is pending (grammars)

  SequenceStatus status = SequenceStatus::waiting;
  FinishReason finish_reason = FinishReason::none;
  std::int32_t row_slot = -1;
  std::int64_t n_computed = 0;
  std::int64_t n_in_flight = 0;
  std::int64_t n_loading = 0;       // whole blocks; nothing is planned before they have come
  std::int32_t n_pending = 0;       // tokens that steps in flight will draw, at most
  bool verifies_drafts = false;     // a step in flight does: how many it draws is not known
  bool begins_to_draw = false;      // nothing was drawn since it got its row slot
  std::uint32_t epoch = 0;          // raised by preemption: K/V rows planned before are lost
  std::int64_t n_logits_given = 0;  // wants_prompt_logits: positions [0, n) have been asked for
  BlockTable blocks;
  PrefixMatch prefix_match;          // while it waits
  std::int64_t n_cached_tokens = 0;  // prompt tokens found in the prefix cache, or in the page
                                     // store, at first admission
  std::int64_t n_loaded_tokens = 0;  // that came from the page store in all
  PrefixGap prefix_gap;              // behind the cached tokens, at first admission
  std::int32_t n_preemptions = 0;

  std::int64_t n_known() const { return static_cast<std::int64_t>(token_ids.size()); }
  std::int64_t n_total() const { return n_known() + n_pending; }
  std::int64_t n_to_compute() const { return n_total() - n_computed - n_in_flight; }
  std::span<const TokenId> prompt_ids() const {
    return std::span(token_ids).first(static_cast<std::size_t>(n_prompt));
  }
  std::span<const TokenId> output_ids() const {
    return std::span(token_ids).subspan(static_cast<std::size_t>(n_prompt));
  }
};

}  // namespace tinyllm
