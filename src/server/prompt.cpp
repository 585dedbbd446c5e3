#include "server/prompt.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/api_error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr float kGreedyBelow = 1e-5f;  // a temperature this small is greedy (as in vLLM)

// Cuts what the template wrote behind the last message, so that the model goes on with it.
void open_last_message(MarkedText& prompt, const std::string& content) {
  const std::size_t begin = content.find_first_not_of(" \n\t\r");
  const std::size_t end = content.find_last_not_of(" \n\t\r");
  const std::string core = begin == std::string::npos ? "" : content.substr(begin, end - begin + 1);
  const std::size_t found = prompt.text.rfind(core);
  if (core.empty() || found == std::string::npos) {
    throw ApiError(400, "invalid_value", "continue_final_message",
                   "continue_final_message: the last message's content is empty, or the model's "
                   "template does not show it");
  }
  // Blanks behind the core are the client's if the template kept them.
  const std::string tail = content.substr(end + 1);
  std::size_t cut = found + core.size();
  if (prompt.text.compare(cut, tail.size(), tail) == 0) cut += tail.size();
  prompt.text.resize(cut);
  std::erase_if(prompt.user_ranges, [&](const TextRange& it) { return it.begin >= cut; });
  for (TextRange& range : prompt.user_ranges) range.end = std::min(range.end, cut);
}

std::vector<TokenId> encode_parts(const Prompt& prompt, const ApiRequest& request,
                                  const Tokenizer& tokenizer) {
  std::vector<TokenId> ids;
  for (const PromptPart& part : prompt) {
    if (!part.is_text) {
      ids.insert(ids.end(), part.ids.begin(), part.ids.end());
      continue;
    }
    EncodeOptions options;
    options.add_special = request.add_special_tokens && ids.empty();
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
  if (n_prompt < context) return;
  ApiError error(400, "context_length_exceeded", field,
                 fmt::format("the prompt has {} tokens, the context holds {} and one must be left "
                             "for the answer; shorten it",
                             n_prompt, context));
  error.n_prompt_tokens = n_prompt;
  error.n_context = context;
  throw error;
}

}  // namespace

MarkedText render_messages(const ApiRequest& request, const ServedModel& model) {
  const std::optional<ChatTemplate>& chat_template = model.engine->text().chat_template;
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
  if (request.continue_final_message)
    open_last_message(prompt, request.messages->back()["content"].get<std::string>());
  return prompt;
}

std::vector<std::vector<TokenId>> encode_prompts(const ApiRequest& request,
                                                 const ServedModel& model) {
  std::vector<std::vector<TokenId>> all;
  if (request.messages) {
    const MarkedText prompt = render_messages(request, model);
    EncodeOptions options;
    options.plain_ranges = prompt.user_ranges;
    all.push_back(model.tokenizer().encode(prompt.text, options));
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
  const GenerationDefaults& recommended = model.engine->text().defaults;
  Request out;
  out.params = request.params;
  SamplingParams& params = out.params;
  params.temperature = request.temperature.value_or(recommended.temperature.value_or(1.0f));
  if (params.temperature < kGreedyBelow) params.temperature = 0.0f;
  params.top_p = request.top_p.value_or(recommended.top_p.value_or(1.0f));
  params.top_k = request.top_k.value_or(recommended.top_k.value_or(0));
  params.min_p = request.min_p.value_or(recommended.min_p.value_or(0.0f));
  params.repetition_penalty =
      request.repetition_penalty.value_or(recommended.repetition_penalty.value_or(1.0f));
  params.seed = request.seed ? static_cast<std::uint64_t>(*request.seed) : random_seed;
  const auto room =
      static_cast<int>(model.max_model_len() - static_cast<std::int64_t>(prompt_ids.size()));
  const int fallback = request.kind == ApiKind::completion ? 16 : room;
  params.max_tokens = std::clamp(request.max_tokens.value_or(fallback), 1, room);
  params.min_tokens = std::min(params.min_tokens, params.max_tokens);
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
