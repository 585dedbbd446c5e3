// How the next token is drawn and where the text ends: vLLM's sampling parameters.

#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "openai/shared_fields.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr double kTwoTo63 = 9223372036854775808.0;  // read_integer() stops below it
constexpr double kSmallest = 1e-6;                  // where 0 itself has no meaning
constexpr std::size_t kMaxStopBytes = 1024;

void set_stop(const json& value, ApiRequest& request) { set_stop_strings("stop", value, request); }

void set_stop_token_ids(const json& value, ApiRequest& request) {
  if (!value.is_array()) refuse_value("stop_token_ids", value, "an array of token ids");
  if (value.size() > kMaxStopIds) {
    refuse_field("stop_token_ids", fmt::format("an array of {} ids", value.size()),
                 fmt::format("at most {}", kMaxStopIds));
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    request.params.stop_token_ids.push_back(
        read_token_id(fmt::format("stop_token_ids[{}]", i), value[i]));
  }
}

void set_logit_bias(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("logit_bias", value, "an object of token id to bias");
  if (value.size() > kMaxLogitBias) {
    refuse_field("logit_bias", fmt::format("an object of {} entries", value.size()),
                 fmt::format("at most {}", kMaxLogitBias));
  }
  for (const auto& [key, bias] : value.items()) {
    TokenId id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) {
      refuse_field("logit_bias", "an object with the key " + describe_value(json(key)),
                   "keyed by token ids");
    }
    const double number = read_number("logit_bias." + key, bias, -100, 100);
    request.params.logit_bias.emplace_back(id, static_cast<float>(number));
  }
}

constexpr std::string_view kStopSchema =
    R"({"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "maxItems": 16,)"
    R"( "items": {"type": "string", "minLength": 1}}]})";
constexpr std::string_view kIdsSchema =
    R"({"type": "array", "maxItems": 1024, "items": {"type": "integer", "minimum": 0}})";
constexpr std::string_view kBiasSchema =
    R"({"type": "object", "additionalProperties": {"type": "number", "minimum": -100,)"
    R"( "maximum": 100}})";

const auto kFields = std::to_array<Field>({
    {"temperature", FieldKind::number, "null", 0, 2,
     "How daring the draw is; 0 always takes the likeliest token. Default: the server's, else what "
     "the model's authors recommend, else 0, or 1 where n is over 1.",
     "", [](const json& v, ApiRequest& r) { r.asked.temperature = v.get<float>(); }},
    {"top_p", FieldKind::number, "null", kSmallest, 1,
     "Draw from the smallest set of tokens whose probabilities reach this sum. Default: the "
     "model's, else 1.",
     "", [](const json& v, ApiRequest& r) { r.asked.top_p = v.get<float>(); }},
    {"top_k", FieldKind::integer, "null", -1, kMaxInt,
     "Draw from the k likeliest tokens; 0 or -1: all. Default: the model's, else 0.", "",
     [](const json& v, ApiRequest& r) { r.asked.top_k = v.get<int>(); }},
    {"min_p", FieldKind::number, "null", 0, 1,
     "Drop tokens less likely than this share of the likeliest. Default: the model's, else 0.", "",
     [](const json& v, ApiRequest& r) { r.asked.min_p = v.get<float>(); }},
    {"seed", FieldKind::integer, "null", -kTwoTo63, kTwoTo63,
     "The same seed and request give the same text. Default: random.", "",
     [](const json& v, ApiRequest& r) { r.seed = v.get<std::int64_t>(); }},
    {"presence_penalty", FieldKind::number, "0", -2, 2,
     "Subtracted from the logit of each token that the answer already holds.", "",
     [](const json& v, ApiRequest& r) { r.params.presence_penalty = v.get<float>(); }},
    {"frequency_penalty", FieldKind::number, "0", -2, 2,
     "Subtracted once for each time the answer already holds the token.", "",
     [](const json& v, ApiRequest& r) { r.params.frequency_penalty = v.get<float>(); }},
    {"repetition_penalty", FieldKind::number, "null", kSmallest, 100,
     "Divides the logits of tokens seen in prompt or answer; over 1 discourages. Default: the "
     "model's, else 1.",
     "", [](const json& v, ApiRequest& r) { r.asked.repetition_penalty = v.get<float>(); }},
    {"repeat_penalty", FieldKind::number, "null", kSmallest, 100,
     "repetition_penalty under llama.cpp's name; it counts when both are given.", "",
     [](const json& v, ApiRequest& r) { r.asked.repetition_penalty = v.get<float>(); }},
    {"logit_bias", FieldKind::other, "null", 0, 0,
     "Token id to a number added to its logit; -100 bans it. At most 1024 entries.", kBiasSchema,
     set_logit_bias},
    {"stop", FieldKind::other, "null", 0, 0,
     "The text ends before any of these strings (at most 16, of at most 1024 bytes).", kStopSchema,
     set_stop},
    {"stop_token_ids", FieldKind::other, "null", 0, 0,
     "The text ends before any of these tokens (at most 1024), besides the model's own end tokens.",
     kIdsSchema, set_stop_token_ids},
    {"ignore_eos", FieldKind::boolean, "false", 0, 0, "Go on past the model's end tokens.", "",
     [](const json& v, ApiRequest& r) { r.params.ignore_eos = v.get<bool>(); }},
    {"min_tokens", FieldKind::integer, "0", 0, kMaxInt, "No end token before that many tokens.", "",
     [](const json& v, ApiRequest& r) { r.params.min_tokens = v.get<int>(); }},
});

}  // namespace

std::span<const Field> sampling_fields() { return kFields; }

void set_stop_strings(const std::string& field, const json& value, ApiRequest& request) {
  if (value.is_array() && value.size() > kMaxStops) {
    refuse_field(field, fmt::format("a list of {} strings", value.size()),
                 fmt::format("at most {}", kMaxStops));
  }
  const json list = value.is_array() ? value : json::array({value});
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = value.is_array() ? fmt::format("{}[{}]", field, i) : field;
    const std::string& text = read_string(path, list[i], kMaxStopBytes);
    if (text.empty()) refuse_field(path, "an empty string", "at least one character");
    request.params.stop.push_back(text);
  }
}

}  // namespace tinyllm
