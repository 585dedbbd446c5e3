#include "reference/model.h"

#include <algorithm>
#include <vector>

#include "base/available_memory.h"
#include "base/check.h"
#include "base/error.h"
#include "loader/model_weights.h"
#include "reference/decoder.h"
#include "rope/rope_frequencies.h"
#include "rope/rope_table.h"

namespace tinyllm::reference {
namespace {

// A prompt runs in chunks: weights are decoded once a chunk, and its activations stay in cache.
constexpr std::int64_t kChunkTokens = 64;
// Rows of logits made at once when every position's are wanted.
constexpr std::int64_t kHeadRows = 16;

constexpr auto kWatchNothing = [](std::int32_t, std::span<const float>) {};

void require_memory(const ModelConfig& config, std::int64_t max_tokens) {
  const std::int64_t wanted = kv_rows_bytes(config.n_layers, max_tokens, config.kv_size());
  const std::int64_t available = available_memory_bytes();
  if (wanted > available) {
    fail(ErrorCode::out_of_memory,
         "a context of {} tokens needs {:.0f} MB for keys and values, {:.0f} MB are free; use a "
         "context of at most {}",
         max_tokens, static_cast<double>(wanted) / 1e6, static_cast<double>(available) / 1e6,
         static_cast<std::int64_t>(static_cast<double>(max_tokens) *
                                   static_cast<double>(available) / static_cast<double>(wanted)));
  }
}

}  // namespace

struct Model::State {
  State(const Checkpoint& checkpoint, ThreadPool& thread_pool, std::int64_t n_tokens_max);

  // The hidden states of token_ids, after the final norm, in activations.normed. At most a chunk.
  void run_chunk(std::span<const TokenId> token_ids, LayerWatcher after_layer);
  std::span<const float> forward(std::span<const TokenId> token_ids, LayerWatcher after_layer);
  std::span<float> logits_row(std::int64_t row);

  const ModelConfig& config;
  ThreadPool& pool;
  ModelWeights weights;
  std::int64_t max_tokens;
  std::int64_t n_computed = 0;
  KvRows kv_rows;
  Activations activations;
  RopeTable rope;             // of max_tokens positions
  std::vector<float> logits;  // [1, vocab_size], [kHeadRows, vocab_size] after a forward_all
};

Model::State::State(const Checkpoint& checkpoint, ThreadPool& thread_pool,
                    std::int64_t n_tokens_max)
    : config(checkpoint.config()),
      pool(thread_pool),
      weights(bind_weights(checkpoint)),
      max_tokens(n_tokens_max) {
  require_memory(config, max_tokens);
  kv_rows = make_kv_rows(config.n_layers, max_tokens, config.kv_size());
  activations = make_activations(config, std::min(kChunkTokens, max_tokens), max_tokens);
  rope = rope_table(rope_frequencies(config.head_dim, config.rope_theta, config.rope_scaling),
                    max_tokens);
  logits.resize(config.vocab_size);
}

void Model::State::run_chunk(std::span<const TokenId> token_ids, LayerWatcher after_layer) {
  const std::int64_t rope_offset = n_computed * config.head_dim / 2;
  const ForwardPass pass{config,
                         pool,
                         n_computed,
                         static_cast<std::int64_t>(token_ids.size()),
                         rope.cos.data() + rope_offset,
                         rope.sin.data() + rope_offset};
  decoder(pass, weights, token_ids.data(), kv_rows, activations, [&](std::int32_t layer_idx) {
    const auto n = static_cast<std::size_t>(pass.n_tokens * config.hidden_size);
    after_layer(layer_idx, activations.hidden.as<float>().first(n));
  });
  n_computed += pass.n_tokens;
}

std::span<float> Model::State::logits_row(std::int64_t row) {
  const auto n = static_cast<std::size_t>(config.vocab_size);
  return std::span(logits).subspan(row * n, n);
}

Model::Model(const Checkpoint& checkpoint, ThreadPool& pool, std::int64_t max_tokens) {
  CHECK(max_tokens >= 1, "max_tokens is {}", max_tokens);
  state_ = std::make_unique<State>(checkpoint, pool, max_tokens);
}

Model::~Model() = default;

const ModelConfig& Model::config() const { return state_->config; }
std::int64_t Model::n_computed() const { return state_->n_computed; }
std::int64_t Model::max_tokens() const { return state_->max_tokens; }

void Model::rewind(std::int64_t n) {
  CHECK(n >= 0 && n <= state_->n_computed, "rewind to {} of {} positions", n, state_->n_computed);
  state_->n_computed = n;
}

std::span<const float> Model::forward(std::span<const TokenId> token_ids) {
  return state_->forward(token_ids, kWatchNothing);
}

std::span<const float> Model::forward_watched(std::span<const TokenId> token_ids,
                                              LayerWatcher after_layer) {
  std::vector<std::vector<float>> outputs(state_->weights.layers.size() + 1);
  const std::span<const float> logits =
      state_->forward(token_ids, [&](std::int32_t layer_idx, std::span<const float> hidden) {
        std::vector<float>& output = outputs[layer_idx + 1];
        output.insert(output.end(), hidden.begin(), hidden.end());  // a chunk of the tokens
      });
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    after_layer(static_cast<std::int32_t>(i) - 1, outputs[i]);
  }
  return logits;
}

std::span<const float> Model::State::forward(std::span<const TokenId> token_ids,
                                             LayerWatcher after_layer) {
  State& s = *this;
  const auto n_tokens = static_cast<std::int64_t>(token_ids.size());
  CHECK(n_tokens >= 1 && s.n_computed + n_tokens <= s.max_tokens,
        "{} tokens after {} do not fit into {}", n_tokens, s.n_computed, s.max_tokens);
  for (std::int64_t begin = 0; begin < n_tokens; begin += kChunkTokens) {
    const std::int64_t n = std::min(kChunkTokens, n_tokens - begin);
    s.run_chunk(token_ids.subspan(begin, n), after_layer);
    if (begin + n == n_tokens) {
      const float* last = f32(s.activations.normed) + (n - 1) * s.config.hidden_size;
      language_head(s.pool, s.weights, last, 1, s.logits.data());
    }
  }
  return s.logits_row(0);
}

std::span<const float> Model::forward_all(
    std::span<const TokenId> token_ids,
    function_ref<void(std::int64_t position, std::span<const float>)> row) {
  State& s = *state_;
  const auto n_tokens = static_cast<std::int64_t>(token_ids.size());
  CHECK(n_tokens >= 1 && s.n_computed + n_tokens <= s.max_tokens,
        "{} tokens after {} do not fit into {}", n_tokens, s.n_computed, s.max_tokens);
  s.logits.resize(kHeadRows * s.config.vocab_size);
  std::span<const float> last;
  for (std::int64_t begin = 0; begin < n_tokens; begin += kChunkTokens) {
    const std::int64_t n = std::min(kChunkTokens, n_tokens - begin);
    const std::int64_t first_position = s.n_computed;
    s.run_chunk(token_ids.subspan(begin, n), kWatchNothing);
    for (std::int64_t t0 = 0; t0 < n; t0 += kHeadRows) {
      const std::int64_t n_rows = std::min(kHeadRows, n - t0);
      language_head(s.pool, s.weights, f32(s.activations.normed) + t0 * s.config.hidden_size,
                    n_rows, s.logits.data());
      for (std::int64_t t = 0; t < n_rows; ++t) {
        last = s.logits_row(t);
        row(first_position + t0 + t, last);
      }
    }
  }
  return last;
}

}  // namespace tinyllm::reference
