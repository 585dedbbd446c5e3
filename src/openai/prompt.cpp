#include "openai/prompt.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/context_limit.h"
#include "base/check.h"
#include "base/json_values.h"
#include "client/chat_prompt.h"
#include "client/sampling_defaults.h"
#include "openai/api_error.h"
#include "openai/tool_prompt.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

// No text of more bytes fits into the context.
std::int64_t most_bytes(const ServedModel& model) {
  return model.max_model_len() * model.longest_token;
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
    options.add_special = request.add_special_tokens.value_or(true) && ids.empty();
    options.parse_special = request.parse_special;
    const std::vector<TokenId> encoded = tokenizer.encode(part.text, options);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }
  return ids;
}

// What only counts tokens may be longer than the context, but not without end.
constexpr std::int64_t kMaxTokenizeBytes = 1 << 20;

// Programs know this refusal by the words that OpenAI's API begins it with, not by its code.
ApiError too_long(const ApiRequest& request, std::int64_t n_prompt, std::int64_t context,
                  const std::string& why) {
  ApiError error(400, "context_length_exceeded", request.messages ? "messages" : "prompt",
                 fmt::format("this model's maximum context length is {} tokens: {}", context, why));
  error.n_prompt_tokens = n_prompt;
  error.n_context = context;
  return error;
}

// No answer needs room behind the prompt.
bool only_counts(ApiKind kind) {
  return kind == ApiKind::tokenize || kind == ApiKind::count_tokens;
}

// Before a text is tokenized: that takes a while, and one that cannot fit is not worth it.
void check_text(const ApiRequest& request, std::size_t n_bytes, const ServedModel& model) {
  if (request.has_left && *request.has_left) throw ApiError(503, "", "", "the client has left");
  const bool is_tokenize = only_counts(request.kind);
  if (model.longest_token == 0) return;
  const std::int64_t most =
      is_tokenize ? std::max(kMaxTokenizeBytes, most_bytes(model)) : most_bytes(model);
  if (static_cast<std::int64_t>(n_bytes) <= most) return;
  if (is_tokenize) {
    refuse_field(request.messages ? "messages" : "prompt",
                 fmt::format("a text of {} bytes", n_bytes),
                 fmt::format("at most {} bytes; send it in parts", most));
  }
  const std::int64_t at_least = static_cast<std::int64_t>(n_bytes) / model.longest_token;
  throw too_long(
      request, at_least, model.max_model_len(),
      fmt::format("the prompt has {} bytes, which are more than {} tokens", n_bytes, at_least));
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
  if (n_tokens == 0) {
    const char* field = request.messages ? "messages" : "prompt";
    throw ApiError(400, "invalid_value", field, fmt::format("{} gives no token at all", field));
  }
  const auto n_prompt = static_cast<std::int64_t>(n_tokens);
  const std::int64_t context = model.max_model_len();
  if (leaves_room(n_prompt, context)) return;
  throw too_long(request, n_prompt, context, no_room_message(n_prompt, context));
}

// How many log probabilities all texts of a request may come to: each becomes about 100 bytes of
// JSON.
constexpr std::int64_t kMaxLogprobEntries = 1 << 18;

}  // namespace

void check_limits(const ApiRequest& request, const ServedModel& model) {
  if (!request.server_tools.empty()) {
    throw ApiError(400, "invalid_value", request.server_tools.front().path,
                   fmt::format("{} asks for tools of the server, which has none",
                               request.server_tools.front().path));
  }
  const auto check = [](const char* field, int asked, int most) {
    if (asked > most)
      refuse_field(field, fmt::format("{}", asked), fmt::format("at most {} on this server", most));
  };
  const bool is_chat = request.kind == ApiKind::chat;
  check("n", request.n, model.limits.n);
  check(is_chat ? "top_logprobs" : "logprobs", request.params.n_logprobs, model.limits.n_logprobs);
  check("prompt_logprobs", request.n_prompt_logprobs, model.limits.n_logprobs);
  check_ids("stop_token_ids", request.params.stop_token_ids, model);
  std::vector<TokenId> biased;
  for (const auto& [id, bias] : request.params.logit_bias) biased.push_back(id);
  check_ids("logit_bias", biased, model);
}

void check_prompt_logprobs(const ApiRequest& request, std::int64_t n_prompt_tokens) {
  const bool with_echo = request.echo && request.params.n_logprobs >= 0;
  const int n_asked =
      std::max(request.n_prompt_logprobs, with_echo ? request.params.n_logprobs : -1);
  if (n_asked < 0) return;
  // A conversation's stand beside its texts, a prompt's in each of them.
  const std::int64_t n_copies = request.kind == ApiKind::completion ? request.n : 1;
  const std::int64_t n_a_token = n_copies * (1 + n_asked);
  if (n_prompt_tokens * n_a_token <= kMaxLogprobEntries) return;
  refuse_field(request.n_prompt_logprobs >= 0 ? "prompt_logprobs" : "logprobs",
               fmt::format("asked for {} prompt tokens with {} log probabilities each",
                           n_prompt_tokens, n_a_token),
               fmt::format("for at most {} with so many", kMaxLogprobEntries / n_a_token));
}

namespace {

// Most templates take a call's arguments as an object. One that fails on it gets JSON text.
MarkedText render_inputs(const ChatTemplate& chat_template, const ApiRequest& request,
                         const ServedModel& model) {
  TemplateOptions options;
  options.add_generation_prompt = request.add_generation_prompt;
  const auto render = [&](bool as_text) {
    json inputs = template_inputs(request, model, as_text);
    const JsonDismantler dismantler(inputs);
    return chat_template.render(inputs, options);
  };
  const auto has_calls = [](const json& message) { return message.contains("tool_calls"); };
  try {
    return render(/*as_text=*/false);
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    if (std::ranges::any_of(*request.messages, has_calls)) {
      try {
        return render(/*as_text=*/true);
      } catch (const Error&) {
        // The first error says more.
      }
    }
    throw ApiError(400, "template_error", "messages", error.what());
  }
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
  MarkedText prompt = render_inputs(*chat_template, request, model);
  if (request.continue_final_message &&
      !open_last_message(prompt, request.messages->back()["content"].get<std::string>())) {
    throw ApiError(400, "invalid_value", "continue_final_message",
                   "continue_final_message: the last message's content is empty, or the model's "
                   "template does not show it");
  }
  return prompt;
}

bool loses_its_marks(const MarkedText& prompt, const ServedModel& model) {
  if (static_cast<std::int64_t>(prompt.text.size()) > kMaxTokenizeBytes) return false;
  return encode_chat(model.tokenizer(), prompt) !=
         encode_chat(model.tokenizer(), {prompt.text, {}});
}

EncodedPrompts encode_prompts(const ApiRequest& request, const ServedModel& model) {
  EncodedPrompts encoded;
  std::vector<std::vector<TokenId>>& all = encoded.ids;
  if (request.messages) {
    const MarkedText prompt = render_messages(request, model);
    encoded.opens_reasoning = opens_reasoning(prompt, model);
    check_text(request, prompt.text.size(), model);
    all.push_back(
        encode_chat(model.tokenizer(), prompt, request.add_special_tokens.value_or(false)));
  } else {
    for (const Prompt& prompt : request.prompts) {
      std::size_t n_bytes = 0;
      for (const PromptPart& part : prompt) n_bytes += part.text.size();
      check_text(request, n_bytes, model);
      all.push_back(encode_parts(prompt, request, model.tokenizer()));
    }
  }
  for (std::vector<TokenId>& ids : all) {
    const auto n_kept = static_cast<std::size_t>(request.truncate_prompt_tokens);
    if (n_kept > 0 && ids.size() > n_kept)
      ids.erase(ids.begin(), ids.end() - request.truncate_prompt_tokens);
    check_ids("prompt", ids, model);
    if (!only_counts(request.kind)) check_length(request, ids.size(), model);
  }
  return encoded;
}

std::string echo_text(const Prompt& prompt, const ServedModel& model) {
  std::string text;
  for (const PromptPart& part : prompt)
    text += part.is_text ? part.text : model.tokenizer().decode(part.ids);
  return text;
}

namespace {

// What a request leaves open: what the operator has set, else the model's own.
AskedSampling asked_sampling(const AskedSampling& asked, const AskedSampling& of_server) {
  const auto pick = [](const auto& first, const auto& second) { return first ? first : second; };
  return {.temperature = pick(asked.temperature, of_server.temperature),
          .top_p = pick(asked.top_p, of_server.top_p),
          .min_p = pick(asked.min_p, of_server.min_p),
          .repetition_penalty = pick(asked.repetition_penalty, of_server.repetition_penalty),
          .top_k = pick(asked.top_k, of_server.top_k)};
}

void limit_logprobs(SamplingParams& params, const ApiRequest& request) {
  if (params.n_logprobs < 0) return;
  const std::int64_t n_texts = std::max<std::int64_t>(1, std::ssize(request.prompts)) * request.n;
  const std::int64_t n_a_token = n_texts * (1 + params.n_logprobs);
  const std::int64_t most = std::max<std::int64_t>(1, kMaxLogprobEntries / n_a_token);
  if (params.max_tokens <= most) return;
  if (request.max_tokens) {
    refuse_field(
        "max_tokens",
        fmt::format("{} tokens with {} log probabilities each", params.max_tokens, n_a_token),
        fmt::format("at most {} with so many", most));
  }
  params.max_tokens = static_cast<int>(most);
}

}  // namespace

SamplingParams default_params(const ServedModel& model) {
  SamplingParams params;
  fill_sampling(params, model.sampling, model.engine->text().defaults,
                /*temperature_without_advice=*/0.0f);
  return params;
}

Request engine_request(const ApiRequest& request, const ServedModel& model,
                       std::vector<TokenId> prompt_ids, std::uint64_t random_seed) {
  Request out;
  out.params = request.params;
  SamplingParams& params = out.params;
  // Several answers that were all the same would be of no use.
  fill_sampling(params, asked_sampling(request.asked, model.sampling),
                model.engine->text().defaults,
                /*temperature_without_advice=*/request.n > 1 ? 1.0f : 0.0f);
  params.seed = request.seed ? static_cast<std::uint64_t>(*request.seed) : random_seed;
  constexpr int kNoLimit = std::numeric_limits<int>::max();
  const int fallback = request.kind == ApiKind::completion ? 16 : kNoLimit;
  const int limit = model.limits.max_tokens > 0 ? model.limits.max_tokens : kNoLimit;
  params.max_tokens = std::clamp(request.max_tokens.value_or(fallback), 1, limit);
  fit_into_room(params, std::ssize(prompt_ids), model.max_model_len());
  limit_logprobs(params, request);
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
