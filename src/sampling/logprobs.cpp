#include "sampling/logprobs.h"

#include <algorithm>
#include <cmath>

#include "sampling/exp2.h"
#include "sampling/temperature.h"
#include "sampling/top_k.h"

namespace tinyllm {
namespace {

// 1 + how many stand before the token in the order of candidate.h.
int rank_of(std::span<const float> logits, TokenId id) {
  const auto index = static_cast<std::size_t>(id);
  const float logit = logits[index];
  std::int64_t n_before = 0;
  for (std::size_t i = 0; i < index; ++i) n_before += logits[i] >= logit;
  for (std::size_t i = index + 1; i < logits.size(); ++i) n_before += logits[i] > logit;
  return static_cast<int>(n_before) + 1;
}

// The n_top first of the order, sorted, at the front of `candidates`.
void sort_likeliest(std::span<const float> logits, std::size_t n_top,
                    std::span<Candidate> candidates) {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates[i] = {logits[i], static_cast<TokenId>(i), 0};
  }
  keep_top_k(candidates.first(logits.size()), static_cast<int>(n_top));
  std::sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(n_top),
            comes_before);
}

}  // namespace

double log_of_sum(std::span<const float> weights) {
  std::uint64_t sum = 0;
  for (const float weight : weights) {
    sum += static_cast<std::uint64_t>(
        static_cast<std::int64_t>(static_cast<double>(weight) * static_cast<double>(kFullMass)));
  }
  return log_of_mass(sum);
}

double log_of_mass(std::uint64_t mass) {
  return std::log(static_cast<double>(mass) / static_cast<double>(kFullMass));
}

float logprob_of(float logit, float max_logit, double log_sum) {
  const double below_max = logit == max_logit ? 0.0 : static_cast<double>(logit) - max_logit;
  return static_cast<float>(below_max - log_sum);
}

void fill_logprobs(std::span<const float> logits, float max_logit, TokenId drawn, int n_top,
                   std::span<float> weights, std::span<Candidate> candidates, TokenLogprobs& out) {
  apply_temperature(logits, max_logit, 1.0f, weights);
  exp2_portable(weights);
  const double log_sum = log_of_sum(weights);
  const auto logprob = [&](float logit) { return logprob_of(logit, max_logit, log_sum); };
  out.drawn = {drawn, logprob(logits[static_cast<std::size_t>(drawn)])};
  out.rank = rank_of(logits, drawn);
  out.top.clear();
  const std::size_t n_wanted =
      std::min(static_cast<std::size_t>(std::max(n_top, 0)), logits.size());
  if (n_wanted == 0) return;
  sort_likeliest(logits, n_wanted, candidates);
  for (const Candidate& candidate : candidates.first(n_wanted)) {
    out.top.push_back({candidate.id, logprob(candidate.logit)});
  }
}

}  // namespace tinyllm
