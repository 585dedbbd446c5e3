#pragma once
// A decoder of two small layers with random weights, for tests on a backend of their own.

#include <memory>

#include "loader/random_checkpoint.h"
#include "model/decoder.h"

namespace tinyllm {

inline constexpr std::int64_t kTinyVocab = 64, kTinyHidden = 32;
inline constexpr std::int32_t kTinyContext = 64;

inline std::unique_ptr<Decoder> make_tiny_decoder(
    Backend& backend, ThreadPool& pool, bool tied = true,
    function_ref<void(std::int64_t, std::int64_t)> progress = [](std::int64_t, std::int64_t) {}) {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab_size = kTinyVocab;
  config.hidden_size = kTinyHidden;
  config.intermediate_size = 64;
  config.n_layers = 2;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 8;
  config.max_seq_len = kTinyContext;
  config.tie_word_embeddings = tied;
  return std::make_unique<Decoder>(make_random_checkpoint("tiny", config, DType::f32, pool),
                                   backend, pool, DecoderOptions{kTinyContext, {}}, progress);
}

}  // namespace tinyllm
