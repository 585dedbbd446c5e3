#include "reference/windowed_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/scalar/dot_f32.h"
#include "kernels/cpu/scalar/softmax.h"

namespace tinyllm::reference {
namespace {

// The positions that one query sees, and how it meets them.
struct Seen {
  const float* q;
  std::int64_t begin, end;
};

void seen_by(const AttentionWindow& window, std::int64_t position, const float* q,
             const float* sink_q, std::vector<Seen>& parts) {
  const std::int64_t end = position + 1;
  parts.clear();
  if (end <= window.size()) {
    parts.push_back({q, 0, end});
    return;
  }
  if (window.sinks > 0) parts.push_back({sink_q, 0, window.sinks});
  parts.push_back({q, end - window.window, end});
}

// out = softmax(q . k / sqrt(head_dim)) v over the rows of all parts. k, v: the head's first row.
void attend(const std::vector<Seen>& parts, const float* k, const float* v, std::int64_t stride,
            std::int64_t head_dim, std::vector<float>& scores, float* out) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  scores.clear();
  for (const Seen& part : parts) {
    for (std::int64_t p = part.begin; p < part.end; ++p)
      scores.push_back(scalar::dot_f32(part.q, k + p * stride, head_dim) * scale);
  }
  scalar::softmax(scores.data(), std::ssize(scores));
  std::fill_n(out, head_dim, 0.0f);
  const float* weight = scores.data();
  for (const Seen& part : parts) {
    for (std::int64_t p = part.begin; p < part.end; ++p, ++weight) {
      for (std::int64_t d = 0; d < head_dim; ++d) out[d] += *weight * v[p * stride + d];
    }
  }
}

}  // namespace

void windowed_attention(const ForwardPass& pass, const AttentionWindow& window, const float* keys,
                        const float* values, Activations& a) {
  const ModelConfig& config = pass.config;
  const std::int64_t dim = config.head_dim, group = config.n_heads / config.n_kv_heads;
  // Task i: head i % n_heads of token i / n_heads.
  const std::int64_t n_tasks = pass.n_tokens * config.n_heads;
  pass.pool.parallel_for(n_tasks, 1, [&](std::int64_t begin_task, std::int64_t end_task) {
    std::vector<float> scores;
    std::vector<Seen> parts;
    for (std::int64_t i = begin_task; i < end_task; ++i) {
      const std::int64_t kv_first = i % config.n_heads / group * dim;
      const float* sink_q = window.sinks > 0 ? f32(a.sink_q) + i * dim : nullptr;
      seen_by(window, pass.first_position + i / config.n_heads, f32(a.q) + i * dim, sink_q, parts);
      attend(parts, keys + kv_first, values + kv_first, config.kv_size(), dim, scores,
             f32(a.attention_out) + i * dim);
    }
  });
}

}  // namespace tinyllm::reference
