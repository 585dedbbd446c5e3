#include "sampling/process_logits.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "sampling/logit_bias.h"

namespace tinyllm {

void apply_mask(std::span<float> logits, std::span<const std::uint32_t> mask) {
  constexpr float kImpossible = -std::numeric_limits<float>::infinity();
  for (std::size_t begin = 0; begin < logits.size(); begin += 32) {
    const std::uint32_t word = begin / 32 < mask.size() ? mask[begin / 32] : 0;
    if (word == ~std::uint32_t{0}) continue;
    const std::size_t end = std::min(begin + 32, logits.size());
    for (std::size_t i = begin; i < end; ++i) {
      if ((word >> (i - begin) & 1u) == 0) logits[i] = kImpossible;
    }
  }
}

void process_logits(std::span<float> logits, const LogitsChanges& changes) {
  if (!changes.mask.empty()) apply_mask(logits, changes.mask);
  ban_tokens(logits, changes.banned_ids);
  add_logit_bias(logits, changes.biases);
  if (changes.penalties == Penalties{}) return;
  CHECK(changes.history != nullptr, "penalties without a history");
  apply_penalties(logits, changes.penalties, *changes.history);
}

}  // namespace tinyllm
