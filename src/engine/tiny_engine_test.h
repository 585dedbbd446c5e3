#pragma once
// Engines on the tiny random-weight models of tests/golden/data/tiny, for tests.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/engine_options.h"
#include "engine/open_engine.h"
#include "loader/checkpoint.h"
#include "text/model_text.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

inline std::filesystem::path tiny_model(const std::string& name) {
  return std::filesystem::path(TINYLLM_SOURCE_DIR) / "tests/golden/data/tiny" / name;
}

inline std::vector<TokenId> random_prompt(std::int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<TokenId> ids(n);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % 67);
  return ids;
}

inline EngineOptions small_options() {
  EngineOptions options;
  options.n_threads = 2;
  options.limits.max_model_len = 256;
  options.kv.n_blocks = 64;
  options.kv.block_size = 16;
  options.kv.type = KvType::f32;
  options.limits.max_num_seqs = 8;
  options.limits.max_num_batched_tokens = 64;
  options.prefix_secret = 7;
  options.max_wanted_logits = kMaxChoices;
  return options;
}

// 67 tokens: letters, pairs of letters, and the single bytes of two-byte characters, so that a
// character may span tokens.
inline TokenizerSpec tiny_spec() {
  TokenizerSpec spec;
  spec.source = "tiny";
  for (char c = 'a'; c <= 'z'; ++c) spec.tokens.emplace_back(1, c);
  for (char c = 'a'; c <= 'z'; ++c) spec.tokens.push_back(std::string(" ") + c + "-");
  for (unsigned i = 0; i < 12; ++i) spec.tokens.emplace_back(1, static_cast<char>(0xA0u + i));
  for (unsigned i = 0; i < 3; ++i) spec.tokens.emplace_back(1, static_cast<char>(0xC3u + i));
  spec.pretokenizer = *pretokenizer_stages("gpt2");
  return spec;
}

inline std::shared_ptr<const ModelText> tiny_text() {
  auto text = std::make_shared<ModelText>();
  text->tokenizer.emplace(tiny_spec());
  return text;
}

inline std::unique_ptr<Engine> open(
    const std::string& model, const EngineOptions& options,
    std::shared_ptr<const ModelText> text = std::make_shared<const ModelText>()) {
  Checkpoint checkpoint = Checkpoint::open(tiny_model(model));
  checkpoint.set_context(options.context);
  return open_engine(checkpoint, std::move(text), options, [](std::int64_t, std::int64_t) {});
}

struct Answer {
  std::vector<TokenId> token_ids;
  std::vector<float> prompt_logits;
  FinishReason finish_reason = FinishReason::none;
  std::vector<TokenLogprobs> logprobs, prompt_logprobs;
  std::int64_t n_cached_tokens = 0;
};

inline std::vector<Answer> read_all(RequestStream& stream, int n_choices = 1) {
  std::vector<Answer> answers(n_choices);
  while (auto piece = stream.next()) {
    Answer& answer = answers[piece->choice_idx];
    answer.token_ids.insert(answer.token_ids.end(), piece->token_ids.begin(),
                            piece->token_ids.end());
    answer.logprobs.insert(answer.logprobs.end(), piece->logprobs.begin(), piece->logprobs.end());
    if (!piece->prompt_logits.empty()) answer.prompt_logits = piece->prompt_logits;
    if (!piece->prompt_logprobs.empty()) answer.prompt_logprobs = piece->prompt_logprobs;
    if (piece->finish_reason != FinishReason::none) {
      answer.finish_reason = piece->finish_reason;
      answer.n_cached_tokens = piece->n_cached_tokens;
    }
  }
  return answers;
}

inline Request greedy(std::vector<TokenId> prompt, int max_tokens) {
  Request request;
  request.prompt_ids = std::move(prompt);
  request.params.temperature = 0.0f;
  request.params.max_tokens = max_tokens;
  request.params.ignore_eos = true;
  request.want_logits = true;
  return request;
}

}  // namespace tinyllm
