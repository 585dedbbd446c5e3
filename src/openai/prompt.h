#pragma once
// From an ApiRequest to what the engine takes: the model's template, token ids, and sampling with
// every default filled in. Any thread.

#include <memory>
#include <string>
#include <vector>

#include "api/request.h"
#include "base/text_range.h"
#include "openai/api_request.h"
#include "openai/served_model.h"

namespace tinyllm {

// Throws ApiError{400} for more than the model's operator allows, and for tokens that it has not.
void check_limits(const ApiRequest& request, const ServedModel& model);

// Throws ApiError{400} where the log probabilities of all its prompts would fill the memory.
void check_prompt_logprobs(const ApiRequest& request, std::int64_t n_prompt_tokens);

// The exact prompt text of the request's messages. Throws ApiError{400} for what the template
// refuses, and for a model without one.
MarkedText render_messages(const ApiRequest& request, const ServedModel& model);

// Whether a message of a rendered conversation holds what reads as a special token to whoever gets
// the text without its marks.
bool loses_its_marks(const MarkedText& prompt, const ServedModel& model);

struct EncodedPrompts {
  std::vector<std::vector<TokenId>> ids;  // of each prompt
  bool opens_reasoning = false;           // the answer begins inside the model's reasoning
};

// The prompts' token ids; messages are one prompt. Throws ApiError{400} for a prompt without
// tokens, ids outside the vocabulary, and prompts that leave no room in the context.
EncodedPrompts encode_prompts(const ApiRequest& request, const ServedModel& model);

// The text that `echo` shows for a prompt.
std::string echo_text(const Prompt& prompt, const ServedModel& model);

// How a request that says nothing is sampled.
SamplingParams default_params(const ServedModel& model);

// Everything but the prompt. Seeds come from `random_seed` when the client gave none. max_tokens is
// what was asked for, at most what the context still holds behind n_prompt tokens.
Request engine_request(const ApiRequest& request, const ServedModel& model,
                       std::vector<TokenId> prompt_ids, std::uint64_t random_seed);

}  // namespace tinyllm
