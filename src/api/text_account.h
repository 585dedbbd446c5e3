#pragma once
// Where the time of one text went, and what of its prompt was computed: the numbers behind
// GET /requests/{id}/why and chat's /why. A plain struct.

#include <chrono>
#include <cstdint>

#include "api/output.h"
#include "api/prefix_gap.h"
#include "base/token_id.h"

namespace tinyllm {

struct TextAccount {
  struct Steps {
    std::int64_t n = 0;
    double seconds = 0;

    void add(double step_seconds) {
      ++n;
      seconds += step_seconds;
    }
  };

  std::chrono::steady_clock::time_point submitted;
  // Since then, in seconds; -1: not yet. The first step that computed it began, its first token came,
  // it ended.
  double queue_s = -1, first_token_s = -1, total_s = -1;
  FinishReason finish_reason = FinishReason::none;

  std::int64_t n_prompt = 0, n_generated = 0;  // tokens
  // Tokens of the prompt that were not computed at first, and those that came from the page store in
  // all, after preemptions too.
  std::int64_t n_cached = 0, n_loaded = 0;
  PrefixGap gap;
  TokenId gap_token_id = -1;  // the prompt's own token at gap.n_common; -1: the prompt ends there
  std::int32_t n_preemptions = 0;
  DraftCounts drafts;

  std::int64_t n_prompt_steps = 0, n_decode_steps = 0;  // that computed some of it
  Steps alone, shared;                                  // the same: with no other text, with others
  Steps decode;  // of these, in which no text's prompt was computed
};

}  // namespace tinyllm
