#pragma once
// What one step computes, as flat arrays: everything that goes down to a device, in one upload.
// Built from a StepPlan by runner/batch_builder. Views, valid until run() returns: a device that
// works behind copies what it needs later.
//
//   tokens      t0  t1  t2 | t3 | t4  t5        three sequences: a prompt chunk, a decode, a chunk
//   seq_starts   0           3     4        6   sequence s has tokens [seq_starts[s], seq_starts[s + 1])
//   positions   16  17  18 | 90 |  0   1        a token sees positions [0, its own] of its sequence
//   samples              *    *    *            the tokens whose logits are wanted, ascending

#include <cstdint>
#include <span>
#include <utility>

#include "api/sampling_params.h"

namespace tinyllm {

// In place of a token id: what this row slot drew last. The device knows it, the host not yet.
inline constexpr TokenId kLastSampled = -1;

// One row of logits: plain bytes, so that a device takes an array of them as it is. Rows of one
// sequence stand together, in the order of their tokens.
struct SampleRow {
  std::int32_t token_idx = 0;  // of the step's tokens: whose hidden state makes these logits
  std::int32_t row_slot = 0;   // of the sequence: its history, and where a drawn id is kept

  // Sampling, with the names and ranges of SamplingParams.
  float temperature = 0.0f;  // 0: greedy
  float top_p = 1.0f;
  float min_p = 0.0f;
  float repetition_penalty = 1.0f;
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  std::int32_t top_k = 0;      // 0: all
  std::uint64_t seed = 0;      // Philox key
  std::uint64_t position = 0;  // Philox counter: index of the drawn token in its sequence
  TokenId draft = -1;          // proposed as the token drawn here: the sequence's next row holds
                               // only if this row really draws it. -1: no row depends on this one

  // What changes the logits before the draw: ranges of StepBatch's pools.
  std::int32_t bias_begin = 0, n_biases = 0;
  std::int32_t ban_begin = 0, n_bans = 0;
  std::int32_t mask_idx = -1;  // which mask of StepBatch::masks; -1: every id is allowed

  // What comes back.
  std::int32_t n_logprobs = -1;   // alternatives; 0: the token's own only; -1: none
  TokenId logprob_of = -1;        // rows that do not draw: whose logprob is wanted
  std::uint8_t draws = 0;         // 0: the row only reports (logprobs of a prompt, logits)
  std::uint8_t wants_logits = 0;  // the raw logits too
  std::uint8_t wants_hidden = 0;  // the hidden state after the final norm too (embeddings)
};

// A row slot begins to draw for another sequence, or for one that was preempted: its penalties look
// at these ids from now on, and at what the slot draws later.
struct HistoryReset {
  std::int32_t row_slot = 0;
  std::span<const TokenId> prompt_ids;  // count for the repetition penalty only
  std::span<const TokenId> output_ids;
};

struct StepBatch {
  std::int32_t n_tokens = 0;
  std::int32_t n_seqs = 0;
  std::int32_t n_samples = 0;

  // [n_tokens]
  std::span<const TokenId> token_ids;          // or kLastSampled
  std::span<const std::int32_t> positions;     // in the sequence, from 0
  std::span<const std::int32_t> slot_mapping;  // where K and V go: block * block_size + offset

  std::span<const std::int32_t> seq_starts;     // [n_seqs + 1] into the tokens
  std::span<const std::int32_t> row_slots;      // [n_seqs] where the device keeps its own state
  std::span<const std::int32_t> adapter_slots;  // [n_seqs] -1: none
  // The blocks of sequence s in order of positions: blocks[block_starts[s], block_starts[s + 1]).
  std::span<const std::int32_t> block_starts;  // [n_seqs + 1]
  std::span<const std::int32_t> blocks;

  std::span<const SampleRow> samples;                 // [n_samples]
  std::span<const std::pair<TokenId, float>> biases;  // logit_bias of all rows
  std::span<const TokenId> banned_ids;                // stop sets before min_tokens
  std::span<const std::uint32_t> masks;               // [n_masks, mask_words(vocab_size)]
  std::span<const HistoryReset> history_resets;       // only of slots with penalties
};

// Words of one mask: bit i % 32 of word i / 32 says whether id i is allowed.
constexpr std::int64_t mask_words(std::int64_t vocab_size) { return (vocab_size + 31) / 32; }

}  // namespace tinyllm
