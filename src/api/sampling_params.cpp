#include "api/sampling_params.h"

#include <cmath>
#include <string_view>

#include "base/error.h"

namespace tinyllm {
namespace {

template <typename Value>
void require(bool in_range, std::string_view field, Value value, std::string_view range) {
  if (!in_range) fail(ErrorCode::invalid_input, "{} is {}, must be {}", field, value, range);
}

// False for NaN.
bool within(float value, float least, float most) { return value >= least && value <= most; }

void require_id(std::string_view field, TokenId id, std::int64_t vocab_size) {
  require(id >= 0 && id < vocab_size, field, id, fmt::format("a token id in [0, {})", vocab_size));
}

void validate_distribution(const SamplingParams& params) {
  require(within(params.temperature, 0.0f, 100.0f), "temperature", params.temperature,
          "in [0, 100]");
  require(params.top_k >= -1, "top_k", params.top_k, ">= 1, or 0 or -1 for all");
  require(within(params.top_p, 0.0f, 1.0f) && params.top_p > 0.0f, "top_p", params.top_p,
          "in (0, 1]");
  require(within(params.min_p, 0.0f, 1.0f), "min_p", params.min_p, "in [0, 1]");
}

void validate_processors(const SamplingParams& params, std::int64_t vocab_size) {
  require(params.repetition_penalty > 0.0f && std::isfinite(params.repetition_penalty),
          "repetition_penalty", params.repetition_penalty, "> 0 and finite");
  require(within(params.presence_penalty, -2.0f, 2.0f), "presence_penalty", params.presence_penalty,
          "in [-2, 2]");
  require(within(params.frequency_penalty, -2.0f, 2.0f), "frequency_penalty",
          params.frequency_penalty, "in [-2, 2]");
  for (const auto& [id, value] : params.logit_bias) {
    require_id("logit_bias", id, vocab_size);
    const bool bans = std::isinf(value) && value < 0.0f;
    require(bans || within(value, -100.0f, 100.0f), fmt::format("logit_bias of id {}", id), value,
            "in [-100, 100], or -inf");
  }
}

void validate_ending(const SamplingParams& params, std::int64_t vocab_size) {
  require(params.max_tokens >= 1, "max_tokens", params.max_tokens, ">= 1");
  require(params.min_tokens >= 0 && params.min_tokens <= params.max_tokens, "min_tokens",
          params.min_tokens, fmt::format("in [0, max_tokens = {}]", params.max_tokens));
  for (const TokenId id : params.stop_token_ids) require_id("stop_token_ids", id, vocab_size);
  for (const std::string& text : params.stop) {
    require(!text.empty(), "stop", "an empty string", "at least one character");
  }
}

}  // namespace

void validate(const SamplingParams& params, std::int64_t vocab_size) {
  validate_distribution(params);
  validate_processors(params, vocab_size);
  validate_ending(params, vocab_size);
  require(params.n_logprobs >= -1 && params.n_logprobs <= vocab_size, "n_logprobs",
          params.n_logprobs, fmt::format("in [0, {}], or -1 for none", vocab_size));
}

}  // namespace tinyllm
