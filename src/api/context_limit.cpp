#include "api/context_limit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace tinyllm {

std::string no_room_message(std::int64_t n_prompt, std::int64_t max_model_len) {
  return fmt::format(
      "the prompt has {} tokens, the context holds {} and one must be left for the answer; shorten "
      "it or raise --context",
      n_prompt, max_model_len);
}

void require_room(std::int64_t n_prompt, std::int64_t max_model_len) {
  if (leaves_room(n_prompt, max_model_len)) return;
  throw Error(ErrorCode::context_overflow, no_room_message(n_prompt, max_model_len));
}

void fit_into_room(SamplingParams& params, std::int64_t n_prompt, std::int64_t max_model_len) {
  params.max_tokens =
      static_cast<int>(std::min<std::int64_t>(params.max_tokens, max_model_len - n_prompt));
  params.min_tokens = std::min(params.min_tokens, params.max_tokens);
}

}  // namespace tinyllm
