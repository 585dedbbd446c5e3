#pragma once
// The last part of the sampler, for one row of processed
// logits: temperature -> min_p -> top_k -> top_p -> draw.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "api/sampling_params.h"
#include "sampling/candidate.h"

namespace tinyllm {

// Reusable arrays. One thread at a time.
struct SamplerWorkspace {
  std::vector<float> logits;          // processed copy, [vocab_size]
  std::vector<float> weights;         // p_i / p_max, [vocab_size]
  std::vector<Candidate> candidates;  // what can be drawn, any order, [vocab_size]
};

// Makes room for rows of vocab_size logits; no-op when there is.
void grow(SamplerWorkspace& workspace, std::size_t vocab_size);

// A NaN counts as -inf. `to` may be `from`.
void copy_without_nan(std::span<const float> from, std::span<float> to);

struct DrawSettings {
  float temperature = 1.0f;  // 0: greedy
  int top_k = 0;
  float top_p = 1.0f;
  float min_p = 0.0f;
  std::uint64_t seed = 0;      // Philox key
  std::uint64_t position = 0;  // Philox counter: index of the drawn token in its sequence
};

// `logits` [vocab_size] f32 without NaN. The likeliest
// id when greedy; 0 when nothing is above -inf.
TokenId choose_token(std::span<const float> logits, const DrawSettings& settings,
                     SamplerWorkspace& workspace);

}  // namespace tinyllm
