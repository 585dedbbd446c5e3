#include "sampling/choose_token.h"

#include <limits>

#include "sampling/argmax.h"
#include "sampling/candidates.h"
#include "sampling/draw.h"
#include "sampling/exp2.h"
#include "sampling/min_p.h"
#include "sampling/philox.h"
#include "sampling/temperature.h"
#include "sampling/top_k.h"
#include "sampling/top_p.h"

namespace tinyllm {

void grow(SamplerWorkspace& workspace, std::size_t vocab_size) {
  if (workspace.logits.size() >= vocab_size) return;
  workspace.logits.resize(vocab_size);
  workspace.weights.resize(vocab_size);
  workspace.candidates.resize(vocab_size);
}

void copy_without_nan(std::span<const float> from, std::span<float> to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = from[i] == from[i] ? from[i] : -std::numeric_limits<float>::infinity();
  }
}

TokenId choose_token(std::span<const float> logits, const DrawSettings& settings,
                     SamplerWorkspace& workspace) {
  const TokenId best = argmax(logits);
  const float max_logit = logits[static_cast<std::size_t>(best)];
  const bool nothing_possible = !(max_logit > -std::numeric_limits<float>::infinity());
  if (nothing_possible || settings.temperature == 0.0f) return best;
  const std::span<float> weights = std::span(workspace.weights).first(logits.size());
  apply_temperature(logits, max_logit, settings.temperature, weights);
  exp2_portable(weights);
  std::span<Candidate> candidates = workspace.candidates;
  candidates = candidates.first(collect_candidates(logits, weights, candidates));
  if (settings.min_p > 0.0f) candidates = candidates.first(keep_min_p(candidates, settings.min_p));
  candidates = candidates.first(keep_top_k(candidates, settings.top_k));
  candidates = candidates.first(keep_top_p(candidates, settings.top_p));
  return draw(candidates, random_bits(settings.seed, settings.position));
}

}  // namespace tinyllm
