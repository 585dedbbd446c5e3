#include "openai/prompt.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/context_limit.h"
#include "client/chat_prompt.h"
#include "client/sampling_defaults.h"
#include "openai/api_error.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::vector<TokenId> encode_parts(const Prompt& prompt, const ApiRequest& request,
                                  const Tokenizer& tokenizer) {
  std::vector<TokenId> ids;
  for (const PromptPart& part : prompt) {
    if (!part.is_text) {
      ids.insert(ids.end(), part.ids.begin(), part.ids.end());
      continue;
    }
    EncodeOptions options;
    options.add_special = request.add_special_tokens.value_or(true) && ids.empty();
    options.parse_special = request.parse_special;
    const std::vector<TokenId> encoded = tokenizer.encode(part.text, options);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }
  return ids;
}

void check_ids(const char* field, const std::vector<TokenId>& ids, const ServedModel& model) {
  const auto vocab_size = model.engine->vocab_size();
  const auto found = std::ranges::find_if(ids, [&](TokenId id) { return id >= vocab_size; });
  if (found != ids.end()) {
    refuse_field(field, fmt::format("given with the token id {}", *found),
                 fmt::format("of ids in [0, {})", vocab_size));
  }
}

void check_length(const ApiRequest& request, std::size_t n_tokens, const ServedModel& model) {
  const char* field = request.messages ? "messages" : "prompt";
  if (n_tokens == 0)
    throw ApiError(400, "invalid_value", field, fmt::format("{} gives no token at all", field));
  const auto n_prompt = static_cast<std::int64_t>(n_tokens);
  const std::int64_t context = model.max_model_len();
  if (leaves_room(n_prompt, context)) return;
  ApiError error(400, "context_length_exceeded", field, no_room_message(n_prompt, context));
  error.n_prompt_tokens = n_prompt;
  error.n_context = context;
  throw error;
}

}  // namespace

MarkedText render_messages(const ApiRequest& request, const ServedModel& model) {
  const std::optional<ChatTemplate>& chat_template = model.engine->text().chat_template;
  if (const std::string& error = model.engine->text().chat_template_error; !error.empty()) {
    throw ApiError(400, "no_chat_template", "messages",
                   fmt::format("this model's chat template cannot be used ({}); use "
                               "/v1/completions",
                               error));
  }
  if (!chat_template) {
    throw ApiError(400, "no_chat_template", "messages",
                   "this model has no chat template (a base model); use /v1/completions");
  }
  json inputs = request.variables ? *request.variables : json::object();
  inputs["messages"] = *request.messages;
  TemplateOptions options;
  options.add_generation_prompt = request.add_generation_prompt;
  MarkedText prompt;
  try {
    prompt = chat_template->render(inputs, options);
  } catch (const Error& error) {
    throw ApiError(400, "template_error", "messages", error.what());
  }
  if (request.continue_final_message &&
      !open_last_message(prompt, request.messages->back()["content"].get<std::string>())) {
    throw ApiError(400, "invalid_value", "continue_final_message",
                   "continue_final_message: the last message's content is empty, or the model's "
                   "template does not show it");
  }
  return prompt;
}

std::vector<std::vector<TokenId>> encode_prompts(const ApiRequest& request,
                                                 const ServedModel& model) {
  std::vector<std::vector<TokenId>> all;
  if (request.messages) {
    all.push_back(encode_chat(model.tokenizer(), render_messages(request, model),
                              request.add_special_tokens.value_or(false)));
  } else {
    for (const Prompt& prompt : request.prompts)
      all.push_back(encode_parts(prompt, request, model.tokenizer()));
  }
  for (std::vector<TokenId>& ids : all) {
    const auto n_kept = static_cast<std::size_t>(request.truncate_prompt_tokens);
    if (n_kept > 0 && ids.size() > n_kept)
      ids.erase(ids.begin(), ids.end() - request.truncate_prompt_tokens);
    check_ids("prompt", ids, model);
    if (request.kind != ApiKind::tokenize) check_length(request, ids.size(), model);
  }
  return all;
}

std::string echo_text(const Prompt& prompt, const ServedModel& model) {
  std::string text;
  for (const PromptPart& part : prompt)
    text += part.is_text ? part.text : model.tokenizer().decode(part.ids);
  return text;
}

Request engine_request(const ApiRequest& request, const ServedModel& model,
                       std::vector<TokenId> prompt_ids, std::uint64_t random_seed) {
  check_ids("stop_token_ids", request.params.stop_token_ids, model);
  std::vector<TokenId> biased;
  for (const auto& [id, bias] : request.params.logit_bias) biased.push_back(id);
  check_ids("logit_bias", biased, model);
  Request out;
  out.params = request.params;
  SamplingParams& params = out.params;
  fill_sampling(params, request.asked, model.engine->text().defaults,
                /*temperature_without_advice=*/1.0f);
  params.seed = request.seed ? static_cast<std::uint64_t>(*request.seed) : random_seed;
  const int fallback = request.kind == ApiKind::completion ? 16 : std::numeric_limits<int>::max();
  params.max_tokens = std::max(1, request.max_tokens.value_or(fallback));
  fit_into_room(params, std::ssize(prompt_ids), model.max_model_len());
  out.prompt_ids = std::move(prompt_ids);
  out.n = request.n;
  out.n_prompt_logprobs =
      request.echo && params.n_logprobs >= 0 ? params.n_logprobs : request.n_prompt_logprobs;
  out.priority = request.priority;
  out.cache_salt = request.cache_salt;
  out.skip_special = request.skip_special_tokens;
  return out;
}

}  // namespace tinyllm
