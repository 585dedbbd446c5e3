// Another way to attention.qwen2: token by token, each one projected, turned, kept and attended to before the next.
#include "reference/attention.h"

#include <cmath>
#include <vector>

#include "kernels/cpu/scalar/linear.h"
#include "kernels/cpu/scalar/rms_norm.h"
#include "kernels/cpu/scalar/rope_interleaved.h"
#include "kernels/cpu/scalar/rope_split_halves.h"

namespace tinyllm::reference {

static std::vector<float> projected(const float* x, const Tensor& weight, const Tensor& bias) {
  std::vector<float> out(static_cast<std::size_t>(weight.n_rows()));
  scalar::linear(x, 1, weight, bias ? bias.f32() : nullptr, out.data(), 0, weight.n_rows());
  return out;
}

static void turn(const ForwardPass& pass, const Tensor& norm, std::int64_t t,
                 std::vector<float>& heads) {
  const std::int64_t d = pass.config.head_dim;
  for (float* head = heads.data(); head != heads.data() + heads.size(); head += d) {
    if (norm) scalar::rms_norm(head, norm.f32(), head, d, pass.config.norm_eps);
    const float *cos = pass.rope_cos + t * d / 2, *sin = pass.rope_sin + t * d / 2;
    pass.config.rope_pairing == RopePairing::interleaved
        ? scalar::rope_interleaved(head, cos, sin, d)
        : scalar::rope_split_halves(head, cos, sin, d);
  }
}

// One head of one query over n keys that lie `stride` apart.
static void attend(const float* q, const float* keys, const float* values, float* out,
                   std::int64_t n, std::int64_t stride, std::int64_t d) {
  std::vector<double> mix(static_cast<std::size_t>(d));
  double largest = -INFINITY, total = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    double score = 0;
    for (std::int64_t i = 0; i < d; ++i) score += double{q[i]} * double{keys[j * stride + i]};
    score /= std::sqrt(static_cast<double>(d));
    const double now = std::max(largest, score), shrink = std::exp(largest - now),
                 weight = std::exp(score - now);
    for (std::int64_t i = 0; i < d; ++i) {
      double& sum = mix[static_cast<std::size_t>(i)];
      sum = sum * shrink + weight * double{values[j * stride + i]};
    }
    total = total * shrink + weight;
    largest = now;
  }
  for (std::int64_t i = 0; i < d; ++i)
    out[i] = static_cast<float>(mix[static_cast<std::size_t>(i)] / total);
}

void attention(const ForwardPass& pass, const LayerWeights& weights, std::int64_t layer_idx,
               KvRows& kv_rows, Activations& activations) {
  const ModelConfig& config = pass.config;
  for (std::int64_t t = 0; t < pass.n_tokens; ++t) {
    const float* x = f32(activations.normed) + t * config.hidden_size;
    std::vector<float> q = projected(x, weights.q_proj, weights.q_bias);
    std::vector<float> k = projected(x, weights.k_proj, weights.k_bias);
    const std::vector<float> v = projected(x, weights.v_proj, weights.v_bias);
    turn(pass, weights.q_norm, t, q);
    turn(pass, weights.k_norm, t, k);
    append_kv_rows(kv_rows, layer_idx, pass.first_position + t, 1, k.data(), v.data());
    std::vector<float> out(q.size());
    for (std::int64_t h = 0; h < config.n_heads; ++h) {
      const std::int64_t kv_first = h / (config.n_heads / config.n_kv_heads) * config.head_dim;
      attend(q.data() + h * config.head_dim, layer_keys(kv_rows, layer_idx) + kv_first,
             layer_values(kv_rows, layer_idx) + kv_first, out.data() + h * config.head_dim,
             pass.first_position + t + 1, config.kv_size(), config.head_dim);
    }
    const std::vector<float> delta = projected(out.data(), weights.o_proj, weights.o_bias);
    std::copy(delta.begin(), delta.end(), f32(activations.delta) + t * config.hidden_size);
  }
}

}  // namespace tinyllm::reference
