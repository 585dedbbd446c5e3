#pragma once
// Everything that changes logits before the draw, in the one order that there is (vLLM's): mask,
// banned ids, logit_bias, penalties. A device that samples by itself keeps this order.

#include <cstdint>
#include <span>
#include <utility>

#include "api/sampling_params.h"
#include "sampling/penalties.h"

namespace tinyllm {

struct LogitsChanges {
  // Bit i % 32 of word i / 32 says whether id i is allowed; empty: all are.
  std::span<const std::uint32_t> mask = {};
  // Stop ids before min_tokens; those past the end of the logits are ignored.
  std::span<const TokenId> banned_ids = {};
  std::span<const std::pair<TokenId, float>> biases = {};
  Penalties penalties = {};
  const TokenHistory* history = nullptr;  // may be null where the penalties change nothing
};

// `logits` [vocab_size] f32, changed in place. Each change touches only the logits that it names;
// what a mask or a ban made impossible stays so.
void process_logits(std::span<float> logits, const LogitsChanges& changes);

// logits[i] = -inf where bit i of the mask is not set; ids past its end are not allowed.
void apply_mask(std::span<float> logits, std::span<const std::uint32_t> mask);

}  // namespace tinyllm
