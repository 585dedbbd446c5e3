#include "sampling/logit_bias.h"

#include <limits>

#include "base/check.h"

namespace tinyllm {
namespace {

bool in_vocabulary(TokenId id, std::span<const float> logits) {
  return id >= 0 && static_cast<std::size_t>(id) < logits.size();
}

}  // namespace

void add_logit_bias(std::span<float> logits, std::span<const std::pair<TokenId, float>> bias) {
  for (const auto& [id, value] : bias) {
    CHECK(in_vocabulary(id, logits), "bias on id {}, vocabulary of {}", id, logits.size());
    logits[static_cast<std::size_t>(id)] += value;
  }
}

void ban_tokens(std::span<float> logits, std::span<const TokenId> ids) {
  for (const TokenId id : ids) {
    if (!in_vocabulary(id, logits)) continue;
    logits[static_cast<std::size_t>(id)] = -std::numeric_limits<float>::infinity();
  }
}

}  // namespace tinyllm
