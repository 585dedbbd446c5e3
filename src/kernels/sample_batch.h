#pragma once
// How the wanted logits become tokens: one entry a logits row, plain arrays, so that a device can
// take them as they are. Same order as ForwardBatch::logits_tokens. Rows of one sequence that only
// report (prompt logprobs) do not draw. Views: the runner owns the arrays until collect().

#include <cstdint>
#include <span>
#include <utility>

#include "api/sampling_params.h"

namespace tinyllm {

struct SampleBatch {
  std::int32_t n_rows = 0;  // logits rows

  std::span<const std::int32_t> row_slots;  // [n_rows] of the sequence: a drawn id is kept there
  std::span<const std::uint8_t> draws;      // [n_rows] 0: report only
  std::span<const float> temperature;       // [n_rows] 0: greedy
  std::span<const std::int32_t> top_k;      // [n_rows] 0: all
  std::span<const float> top_p, min_p;      // [n_rows]
  std::span<const std::uint64_t> seed;      // [n_rows] Philox key
  std::span<const std::uint64_t> position;  // [n_rows] Philox counter: index of the drawn token

  // What changes logits before the draw; one list a row, mostly empty.
  std::span<const std::span<const std::pair<TokenId, float>>> biases;  // logit_bias
  std::span<const std::span<const TokenId>> banned_ids;   // the stop set before min_tokens
  std::span<const std::span<const std::uint32_t>> masks;  // bit i: id i is allowed; empty: all
  std::span<const float> repetition_penalty, presence_penalty, frequency_penalty;  // [n_rows]
  std::span<const std::span<const TokenId>> prompt_ids, output_ids;  // empty without penalties

  // What comes back besides the id.
  std::span<const std::int32_t> n_logprobs;   // [n_rows] -1: none; 0: the token's own only
  std::span<const TokenId> logprob_of;        // [n_rows] report rows: whose logprob is wanted
  std::span<const std::uint8_t> want_logits;  // [n_rows] 1: the raw logits too
};

}  // namespace tinyllm
