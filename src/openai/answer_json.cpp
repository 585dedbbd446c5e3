#include "openai/answer_json.h"

#include <fmt/core.h>

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

// A token's text where it is one, else its bytes as OpenAI writes them: "bytes:\\xf0\\x9f". So tokens
// that are parts of characters have names of their own.
std::string token_name(TokenId id, const Tokenizer& tokenizer) {
  const std::string_view bytes = tokenizer.token_bytes(id);
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string name = "bytes:";
  for (const char c : bytes) name += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return name;
}

// {name: logprob}, an entry for each token though names be equal; the drawn one has its plain name.
json top_logprobs(const TokenLogprobs& logprobs, const Tokenizer& tokenizer) {
  const std::string drawn = token_name(logprobs.drawn.token_id, tokenizer);
  json top = json::object();
  bool has_drawn = false;
  for (const TokenLogprob& it : logprobs.top) {
    const bool is_drawn = it.token_id == logprobs.drawn.token_id;
    has_drawn = has_drawn || is_drawn;
    std::string name = token_name(it.token_id, tokenizer);
    if (!is_drawn && (name == drawn || top.contains(name)))
      name = fmt::format("token_id:{}", it.token_id);
    top[name] = finite(it.logprob);
  }
  if (!has_drawn) top[drawn] = finite(logprobs.drawn.logprob);
  return top;
}

// Where tokens stand in a text, in characters. A token that begins inside a character stands where
// that character does.
class TextPlace {
 public:
  TextPlace(std::int64_t n_characters, std::string open)
      : n_characters_(n_characters), open_(std::move(open)) {}

  std::int64_t offset() const { return n_characters_; }
  const std::string& open() const { return open_; }

  void add(std::string_view bytes) {
    open_ += bytes;
    const std::size_t n_open = incomplete_suffix_bytes(open_);
    const std::string whole = replace_ill_formed(open_.substr(0, open_.size() - n_open));
    n_characters_ += count_characters(whole);
    open_.erase(0, open_.size() - n_open);
  }

 private:
  std::int64_t n_characters_;
  std::string open_;  // bytes that begin a character
};

json completion_logprobs(const AnswerChoice& choice, const Tokenizer& tokenizer) {
  json result = {{"text_offset", json::array()},
                 {"token_logprobs", json::array()},
                 {"tokens", json::array()},
                 {"top_logprobs", json::array()}};
  TextPlace place(choice.text_offset, choice.open_character);
  for (const TokenLogprobs& it : choice.logprobs) {
    const bool is_first_of_prompt = it.rank == 0;  // nothing stands before it to predict it from
    result["text_offset"].push_back(place.offset());
    result["token_logprobs"].push_back(is_first_of_prompt ? json(nullptr)
                                                          : json(finite(it.drawn.logprob)));
    result["tokens"].push_back(token_name(it.drawn.token_id, tokenizer));
    result["top_logprobs"].push_back(is_first_of_prompt ? json(nullptr)
                                                        : top_logprobs(it, tokenizer));
    place.add(tokenizer.token_bytes(it.drawn.token_id));
  }
  return result;
}

json logprobs_json(const AnswerHead& head, const AnswerChoice& choice, const Tokenizer& tokenizer) {
  if (!choice.wants_logprobs) return nullptr;
  return head.kind == ApiKind::chat ? chat_logprobs(choice, tokenizer)
                                    : completion_logprobs(choice, tokenizer);
}

// A call as a message has it; in a stream with its index, and only what is new.
json call_json(const AnswerCall& call, bool in_stream) {
  json result = json::object();
  if (in_stream) result["index"] = call.place;
  if (!call.name.empty()) result["id"] = call.id, result["type"] = "function";
  result["function"] = json::object();
  if (!call.name.empty()) result["function"]["name"] = call.name;
  result["function"]["arguments"] = call.arguments;
  if (!call.approval_id.empty()) result["approval_request_id"] = call.approval_id;
  return result;
}

json result_json(const ServerToolResult& result) {
  json call = {{"index", result.place},
               {"id", result.call_id},
               {"result", result.text},
               {"is_error", result.is_error}};
  if (result.is_dropped) call["dropped"] = true;
  return call;
}

void add_calls(json& message, const AnswerChoice& choice, bool in_stream) {
  if (!choice.reasoning.empty()) {
    message["reasoning_content"] = choice.reasoning;
    message["reasoning"] = choice.reasoning;
  }
  for (const AnswerCall& call : choice.calls)
    message[call.runs_here ? "server_tool_calls" : "tool_calls"].push_back(
        call_json(call, in_stream));
  for (const AnswerCall& call : choice.failed_calls) {
    if (call.runs_here)
      message["server_tool_calls"].push_back(
          result_json({call.place, call.id, choice.tool_parse_error, true, true}));
  }
  if (!choice.tool_parse_error.empty()) message["tool_parse_error"] = choice.tool_parse_error;
}

void add_ending(json& result, const AnswerChoice& choice) {
  const bool calls = choice.finish_reason == FinishReason::stop && choice.has_calls;
  const char* reason = calls ? "tool_calls" : to_string(choice.finish_reason);
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
          {"prompt_tokens_details", {{"cached_tokens", usage.n_cached}}},
          {"completion_tokens_details", draft_details(usage.drafts)}};
}

json draft_details(const DraftCounts& drafts) {
  return {{"accepted_prediction_tokens", drafts.n_accepted},
          {"rejected_prediction_tokens", drafts.n_proposed - drafts.n_accepted}};
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
    const bool only_calls = choice.text.empty() && !choice.calls.empty();
    result["message"] = {{"role", "assistant"},
                         {"content", only_calls ? json(nullptr) : json(choice.text)},
                         {"refusal", nullptr}};
    add_calls(result["message"], choice, /*in_stream=*/false);
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
    add_calls(delta, choice, /*in_stream=*/true);
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

json tool_result_chunk(const AnswerHead& head, const ServerToolResult& result) {
  json chunk = chunk_json(head);
  chunk["choices"].push_back(
      {{"index", 0},
       {"delta", {{"server_tool_calls", json::array({result_json(result)})}}},
       {"logprobs", nullptr},
       {"finish_reason", nullptr}});
  return chunk;
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

std::string open_character_after(const AnswerChoice& choice, const Tokenizer& tokenizer) {
  TextPlace place(0, choice.open_character);
  for (const TokenLogprobs& it : choice.logprobs)
    place.add(tokenizer.token_bytes(it.drawn.token_id));
  return place.open();
}

std::int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

std::string to_text(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace tinyllm
