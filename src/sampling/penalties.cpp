#include "sampling/penalties.h"

#include "base/check.h"

namespace tinyllm {

void apply_penalties(std::span<float> logits, const Penalties& penalties,
                     const TokenHistory& history) {
  if (penalties == Penalties{}) return;
  for (const auto& [id, n_outputs] : history.entries()) {
    CHECK(static_cast<std::size_t>(id) < logits.size(), "id {}, vocabulary of {}", id,
          logits.size());
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit > 0.0f ? logit / penalties.repetition : logit * penalties.repetition;
    if (n_outputs == 0) continue;
    logit -= penalties.frequency * static_cast<float>(n_outputs);
    logit -= penalties.presence;
  }
}

}  // namespace tinyllm
