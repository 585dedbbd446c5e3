#include "openai/answer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr float kLeastLogprob = -9999.0f;  // OpenAI's word for "impossible"; JSON has no infinity

std::string token_text(TokenId id, const Tokenizer& tokenizer) {
  return replace_ill_formed(tokenizer.token_bytes(id));
}

float finite(float logprob) { return std::max(logprob, kLeastLogprob); }

json token_json(const TokenLogprob& token, const Tokenizer& tokenizer) {
  json bytes = json::array();
  for (const char c : tokenizer.token_bytes(token.token_id))
    bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", token_text(token.token_id, tokenizer)},
          {"logprob", finite(token.logprob)},
          {"bytes", std::move(bytes)}};
}

json chat_logprobs(const AnswerChoice& choice, const Tokenizer& tokenizer) {
  json content = json::array();
  for (const TokenLogprobs& it : choice.logprobs) {
    json token = token_json(it.drawn, tokenizer);
    token["top_logprobs"] = json::array();
    for (const TokenLogprob& top : it.top)
      token["top_logprobs"].push_back(token_json(top, tokenizer));
    content.push_back(std::move(token));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

json completion_logprobs(const AnswerChoice& choice, const Tokenizer& tokenizer) {
  json result = {{"text_offset", json::array()},
                 {"token_logprobs", json::array()},
                 {"tokens", json::array()},
                 {"top_logprobs", json::array()}};
  auto offset = choice.text_offset;
  for (const TokenLogprobs& it : choice.logprobs) {
    const bool is_first_of_prompt = it.rank == 0;  // nothing stands before it to predict it from
    const std::string text = token_text(it.drawn.token_id, tokenizer);
    json top = json::object();
    for (const TokenLogprob& other : it.top)
      top[token_text(other.token_id, tokenizer)] = finite(other.logprob);
    top[text] = finite(it.drawn.logprob);
    result["text_offset"].push_back(offset);
    result["token_logprobs"].push_back(is_first_of_prompt ? json(nullptr)
                                                          : json(finite(it.drawn.logprob)));
    result["tokens"].push_back(text);
    result["top_logprobs"].push_back(is_first_of_prompt ? json(nullptr) : std::move(top));
    offset += count_characters(text);
  }
  return result;
}

json logprobs_json(const AnswerHead& head, const AnswerChoice& choice, const Tokenizer& tokenizer) {
  if (!choice.wants_logprobs) return nullptr;
  return head.kind == ApiKind::chat ? chat_logprobs(choice, tokenizer)
                                    : completion_logprobs(choice, tokenizer);
}

void add_ending(json& result, const AnswerChoice& choice) {
  const char* reason = to_string(choice.finish_reason);
  result["finish_reason"] = *reason == '\0' ? json(nullptr) : json(reason);
  if (!choice.stop_string.empty()) result["stop_reason"] = choice.stop_string;
  if (choice.wants_token_ids) result["token_ids"] = choice.token_ids;
}

json head_json(const AnswerHead& head, const char* object) {
  return {{"id", head.id},
          {"object", object},
          {"created", head.created},
          {"model", head.model},
          {"system_fingerprint", head.fingerprint}};
}

}  // namespace

json usage_json(const AnswerUsage& usage) {
  return {{"prompt_tokens", usage.n_prompt},
          {"completion_tokens", usage.n_generated},
          {"total_tokens", usage.n_prompt + usage.n_generated},
          {"prompt_tokens_details", {{"cached_tokens", usage.n_cached}}}};
}

json answer_json(const AnswerHead& head) {
  return head_json(head, head.kind == ApiKind::chat ? "chat.completion" : "text_completion");
}

json chunk_json(const AnswerHead& head) {
  json chunk =
      head_json(head, head.kind == ApiKind::chat ? "chat.completion.chunk" : "text_completion");
  chunk["choices"] = json::array();
  return chunk;
}

json choice_json(const AnswerHead& head, const AnswerChoice& choice, const Tokenizer& tokenizer) {
  json result = {{"index", choice.idx}};
  if (head.kind == ApiKind::chat) {
    result["message"] = {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}};
  } else {
    result["text"] = choice.text;
  }
  result["logprobs"] = logprobs_json(head, choice, tokenizer);
  add_ending(result, choice);
  return result;
}

json chunk_choice_json(const AnswerHead& head, const AnswerChoice& choice, bool with_role,
                       const Tokenizer& tokenizer) {
  json result = {{"index", choice.idx}};
  if (head.kind == ApiKind::chat) {
    json delta = json::object();
    if (with_role) delta["role"] = "assistant";
    if (with_role || !choice.text.empty()) delta["content"] = choice.text;
    result["delta"] = std::move(delta);
  } else {
    result["text"] = choice.text;
  }
  AnswerChoice shown = choice;
  if (choice.logprobs.empty()) shown.wants_logprobs = false;
  result["logprobs"] = logprobs_json(head, shown, tokenizer);
  add_ending(result, choice);
  return result;
}

json prompt_logprobs_json(const std::vector<TokenLogprobs>& logprobs, const Tokenizer& tokenizer) {
  json all = json::array({nullptr});
  for (const TokenLogprobs& it : logprobs) {
    json position = json::object();
    const auto add = [&](const TokenLogprob& token, int rank) {
      position[std::to_string(token.token_id)] = {
          {"logprob", finite(token.logprob)},
          {"rank", rank},
          {"decoded_token", token_text(token.token_id, tokenizer)}};
    };
    add(it.drawn, it.rank);
    for (std::size_t i = 0; i < it.top.size(); ++i) {
      if (it.top[i].token_id != it.drawn.token_id) add(it.top[i], static_cast<int>(i) + 1);
    }
    all.push_back(std::move(position));
  }
  return all;
}

std::int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

std::string to_text(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace tinyllm
