// Prompts as text or ids: /v1/completions, /tokenize, /detokenize.

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/request.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::string item(const std::string& path, std::size_t i) { return fmt::format("{}[{}]", path, i); }

// One of very many ids: its place is spelt out only where it is wrong.
TokenId read_list_id(const std::string& path, std::size_t i, const json& value) {
  if (value.is_number_unsigned()) {
    const auto id = value.get<std::uint64_t>();
    if (id <= std::uint64_t{std::numeric_limits<TokenId>::max()}) return static_cast<TokenId>(id);
  }
  return read_token_id(item(path, i), value);
}

// One prompt from strings and numbers in any order; numbers side by side are one part.
Prompt read_prompt(const std::string& path, const json& parts) {
  Prompt prompt;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is_string()) {
      prompt.push_back({.text = read_string(item(path, i), parts[i], kMaxTextBytes)});
      continue;
    }
    if (!parts[i].is_number()) refuse_value(item(path, i), parts[i], "a string or a token id");
    if (prompt.empty() || prompt.back().is_text) prompt.push_back({.is_text = false});
    prompt.back().ids.push_back(read_list_id(path, i, parts[i]));
  }
  return prompt;
}

// "text" | [ids] | [ids and texts mixed: one prompt] | ["text", "text"] | [[ids], "text", ...]
void set_prompt(const json& value, ApiRequest& request) {
  if (value.is_string()) {
    request.prompts.push_back({{.text = value.get<std::string>()}});
    return;
  }
  if (!value.is_array()) refuse_value("prompt", value, "a string or an array");
  if (value.empty()) refuse_value("prompt", value, "at least one prompt");
  if (std::ranges::any_of(value, [](const json& it) { return it.is_number(); })) {
    request.prompts.push_back(read_prompt("prompt", value));
    return;
  }
  if (value.size() > kMaxPrompts) {
    refuse_field("prompt", fmt::format("an array of {} prompts", value.size()),
                 fmt::format("at most {}", kMaxPrompts));
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string path = fmt::format("prompt[{}]", i);
    if (value[i].is_array()) {
      request.prompts.push_back(read_prompt(path, value[i]));
    } else {
      request.prompts.push_back({{.text = read_string(path, value[i], kMaxTextBytes)}});
    }
  }
}

void set_tokens(const json& value, ApiRequest& request) {
  if (!value.is_array()) refuse_value("tokens", value, "an array of token ids");
  request.detokenize_ids.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i)
    request.detokenize_ids.push_back(read_list_id("tokens", i, value[i]));
}

void set_model(const json& value, ApiRequest& request) { request.model = value.get<std::string>(); }

void set_text(const json& value, ApiRequest& request) {
  request.prompts.assign(1, {{.text = value.get<std::string>()}});
}

void set_pieces(const json& value, ApiRequest& request) {
  request.token_pieces = value.get<bool>();
}

void set_add_special(const json& value, ApiRequest& request) {
  request.add_special_tokens = value.get<bool>();
}

constexpr std::string_view kPromptSchema =
    R"({"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "maxItems": 1024, "items":)"
    R"( {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "array",)"
    R"( "items": {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}}]}}]})";
constexpr std::string_view kIdsSchema =
    R"({"type": "array", "items": {"type": "integer", "minimum": 0}})";
constexpr std::string_view kModelHelp = "One of the names that /v1/models lists; may be left out.";

const auto kCompletionFields = std::to_array<Field>({
    {"model", FieldKind::string, "null", 0, 1024, kModelHelp, "", set_model},
    {"prompt", FieldKind::other, "", 0, 0,
     "The text to continue: a string, token ids, both mixed, or an array of such prompts.",
     kPromptSchema, set_prompt},
    {"max_tokens", FieldKind::integer, "16", 0, kMaxInt,
     "At most that many new tokens, and what the context still holds. 0 needs echo.", "",
     [](const json& v, ApiRequest& r) { r.max_tokens = v.get<int>(); }},
    {"logprobs", FieldKind::integer, "null", 0, kMaxLogprobs,
     "Give each token's log probability and that many alternatives.", "",
     [](const json& v, ApiRequest& r) { r.params.n_logprobs = v.get<int>(); }},
    {"echo", FieldKind::boolean, "false", 0, 0, "Begin the answer with the prompt.", "",
     [](const json& v, ApiRequest& r) { r.echo = v.get<bool>(); }},
    {"add_special_tokens", FieldKind::boolean, "true", 0, 0,
     "Begin a text prompt with the model's BOS token, where it has one.", "", set_add_special},
});

const auto kTokenizeFields = std::to_array<Field>({
    {"model", FieldKind::string, "null", 0, 1024, kModelHelp, "", set_model},
    {"prompt", FieldKind::string, "null", 0, kMaxTextBytes, "The text; or give messages instead.",
     "", set_text},
    {"content", FieldKind::string, "null", 0, kMaxTextBytes, "The same under llama.cpp's name.", "",
     set_text},
    {"add_special_tokens", FieldKind::boolean, "null", 0, 0,
     "Add the BOS and EOS tokens of the model's tokenizer, where it has them. Default: true for a "
     "prompt, false for messages, whose template writes BOS itself.",
     "", set_add_special},
    {"add_special", FieldKind::boolean, "null", 0, 0, "The same under llama.cpp's name.", "",
     set_add_special},
    {"parse_special", FieldKind::boolean, "true", 0, 0,
     "Special tokens such as <|im_end|> in the text become their ids.", "",
     [](const json& v, ApiRequest& r) { r.parse_special = v.get<bool>(); }},
    {"return_token_strs", FieldKind::boolean, "false", 0, 0, "Add the text of each token.", "",
     set_pieces},
    {"with_pieces", FieldKind::boolean, "false", 0, 0, "The same under llama.cpp's name.", "",
     set_pieces},
});

const auto kDetokenizeFields = std::to_array<Field>({
    {"model", FieldKind::string, "null", 0, 1024, kModelHelp, "", set_model},
    {"tokens", FieldKind::other, "", 0, 0, "Token ids.", kIdsSchema, set_tokens},
    {"skip_special_tokens", FieldKind::boolean, "false", 0, 0,
     "Leave special tokens out of the text.", "",
     [](const json& v, ApiRequest& r) { r.skip_special_tokens = v.get<bool>(); }},
});

}  // namespace

std::span<const Field> completion_fields() { return kCompletionFields; }
std::span<const Field> tokenize_fields() { return kTokenizeFields; }
std::span<const Field> detokenize_fields() { return kDetokenizeFields; }

}  // namespace tinyllm
