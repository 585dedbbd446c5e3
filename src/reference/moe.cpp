#include "reference/moe.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/cpu/scalar/dot_f32.h"
#include "kernels/cpu/scalar/softmax.h"
#include "reference/mlp.h"
#include "reference/parallel.h"

namespace tinyllm::reference {
namespace {

struct Choice {
  std::int64_t expert;
  float weight;
};

// The experts of one token, the likelier first. probs: [n_experts].
std::vector<Choice> choose_experts(const MoeConfig& config, const float* probs) {
  std::vector<std::int64_t> order(config.n_experts);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](auto a, auto b) { return probs[a] > probs[b]; });
  std::vector<Choice> choices;
  float sum = 0;
  for (std::int64_t i = 0; i < config.n_experts_per_token; ++i) {
    choices.push_back({order[i], probs[order[i]]});
    sum += probs[order[i]];
  }
  if (config.norm_weights) {
    for (Choice& choice : choices) choice.weight /= sum;
  }
  return choices;
}

}  // namespace

void moe(const ForwardPass& pass, const MoeWeights& weights, Activations& a) {
  const MoeConfig& config = pass.config.moe;
  const std::int64_t n = pass.config.hidden_size;
  std::vector<float> probs(pass.n_tokens * config.n_experts);
  parallel_linear(pass.pool, f32(a.normed), pass.n_tokens, weights.router, {}, probs.data());
  std::vector<float> out(n);
  for (std::int64_t t = 0; t < pass.n_tokens; ++t) {
    const float* x = f32(a.normed) + t * n;
    float* delta = f32(a.delta) + t * n;
    std::fill_n(delta, n, 0.0f);
    const auto add = [&](const MlpWeights& expert, float weight) {
      gated_mlp(pass.pool, expert, x, 1, f32(a.gate), f32(a.up), out.data());
      for (std::int64_t i = 0; i < n; ++i) delta[i] += weight * out[i];
    };
    float* p = probs.data() + t * config.n_experts;
    scalar::softmax(p, config.n_experts);
    for (const Choice& choice : choose_experts(config, p))
      add(weights.experts[choice.expert], choice.weight);
    if (!weights.shared_scale) continue;
    const float score = scalar::dot_f32(weights.shared_scale.f32(), x, n);
    add(weights.shared, 1.0f / (1.0f + std::exp(-score)));
  }
}

}  // namespace tinyllm::reference
