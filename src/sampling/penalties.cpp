#include "sampling/penalties.h"

#include "base/check.h"

namespace tinyllm {
namespace {

void check_ids(std::span<const TokenId> ids, std::size_t vocab_size) {
  for (const TokenId id : ids) {
    CHECK(id >= 0 && static_cast<std::size_t>(id) < vocab_size, "id {}, vocabulary of {}", id,
          vocab_size);
  }
}

void penalise_repetition(float& logit, float penalty) {
  logit = logit > 0.0f ? logit / penalty : logit * penalty;
}

}  // namespace

void apply_penalties(std::span<float> logits, const Penalties& penalties,
                     std::span<const TokenId> prompt_ids, std::span<const TokenId> output_ids,
                     std::span<std::int32_t> counts) {
  if (penalties == Penalties{}) return;
  CHECK(counts.size() >= logits.size(), "{} counts, {} logits", counts.size(), logits.size());
  check_ids(prompt_ids, logits.size());
  check_ids(output_ids, logits.size());
  constexpr std::int32_t kPromptDone = -1;  // in the prompt only, penalised
  for (const TokenId id : output_ids) ++counts[static_cast<std::size_t>(id)];
  for (const TokenId id : prompt_ids) {
    std::int32_t& count = counts[static_cast<std::size_t>(id)];
    if (count != 0) continue;
    count = kPromptDone;
    penalise_repetition(logits[static_cast<std::size_t>(id)], penalties.repetition);
  }
  for (const TokenId id : output_ids) {
    std::int32_t& count = counts[static_cast<std::size_t>(id)];
    if (count == 0) continue;  // met again: penalised at its first occurrence
    float& logit = logits[static_cast<std::size_t>(id)];
    penalise_repetition(logit, penalties.repetition);
    logit -= penalties.frequency * static_cast<float>(count);
    logit -= penalties.presence;
    count = 0;
  }
  for (const TokenId id : prompt_ids) counts[static_cast<std::size_t>(id)] = 0;
}

}  // namespace tinyllm
