#include "openai/field_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/json_parse.h"
#include "base/json_values.h"
#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_value.h"
#include "openai/message_reader.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr JsonLimits kBodyLimits = {
    .max_bytes = std::size_t{1} << 26, .max_depth = 64, .max_values = kMaxJsonValues};
constexpr std::size_t kMaxUnknownFields = 16;  // are named
constexpr std::size_t kMaxNameBytes = 64;

// A body's values by name, the known ones only: a body may have many more members than fields.
using Values = std::unordered_map<std::string_view, const json*>;

void check_value(const Field& field, const json& value) {
  const std::string name(field.name);
  switch (field.kind) {
    case FieldKind::boolean: read_boolean(name, value); return;
    case FieldKind::integer: read_integer(name, value, field.low, field.high); return;
    case FieldKind::number: read_number(name, value, field.low, field.high); return;
    case FieldKind::string: read_string(name, value, static_cast<std::size_t>(field.high)); return;
    case FieldKind::other: return;
  }
}

// A field that we know and cannot do may say that it wants nothing.
bool asks_for_nothing(const Field& field, const json& value) {
  if (value.is_null()) return true;
  if (value.is_structured() && value.empty()) return true;
  return !field.fallback.empty() && value == json::parse(field.fallback);
}

// A name that fits into a header and a log line.
std::string printable(std::string_view name) {
  std::string shown(name.substr(0, kMaxNameBytes));
  std::ranges::replace_if(
      shown, [](char c) { return c <= 0x20 || c >= 0x7F || c == ','; }, '?');
  return shown;
}

Values known_values(ApiKind kind, const json& body, ApiRequest& request) {
  Values values;
  for (const Field* field : fields_of(kind)) values.emplace(field->name, nullptr);
  for (const auto& [name, value] : body.items()) {
    const auto found = values.find(name);
    if (found != values.end()) {
      found->second = &value;
    } else if (request.unknown_fields.size() < kMaxUnknownFields && !value.is_null()) {
      request.unknown_fields.push_back(printable(name));
    }
  }
  return values;
}

void take_field(const Field& field, const json* found, ApiRequest& request) {
  const bool absent = found == nullptr || found->is_null();
  if (field.set == nullptr) {
    if (absent || asks_for_nothing(field, *found)) return;
    const std::string why = field.help == kNotSupported
                                ? "is not supported yet"
                                : fmt::format("is not supported ({})", field.help);
    throw ApiError(400, "unsupported_parameter", std::string(field.name),
                   fmt::format("{} {}; leave it out", field.name, why));
  }
  if (absent) {
    if (!field.fallback.empty()) return;
    throw ApiError(400, "missing_required_parameter", std::string(field.name),
                   fmt::format("{} is missing", field.name));
  }
  check_value(field, *found);
  field.set(*found, request);
}

void check_together(ApiRequest& request) {
  const auto refuse = [](const char* param, const char* message) {
    throw ApiError(400, "invalid_value", param, message);
  };
  if (request.has_stream_options && !request.stream)
    refuse("stream_options", "stream_options is only allowed when stream is true");
  if (request.add_generation_prompt && request.continue_final_message &&
      request.kind != ApiKind::completion) {
    refuse("continue_final_message",
           "continue_final_message and add_generation_prompt cannot both be true; set "
           "add_generation_prompt to false");
  }
  if (request.kind == ApiKind::chat && !request.logprobs) {
    if (request.params.n_logprobs > 0)
      refuse("top_logprobs", "top_logprobs is only allowed when logprobs is true");
    request.params.n_logprobs = -1;
  }
  if (request.n > 1 && request.asked.temperature == 0.0f)
    refuse("n", "n is over 1 while temperature is 0: all choices would be the same text");
  if (request.stream && request.n_prompt_logprobs >= 0)
    refuse("prompt_logprobs", "prompt_logprobs is not available when stream is true");
  if (request.stream && request.echo && request.params.n_logprobs >= 0)
    refuse("logprobs", "logprobs with echo is not available when stream is true");
  if (request.max_tokens == 0 && !request.echo)
    refuse("max_tokens", "max_tokens is 0, which is only of use with echo; ask for at least 1");
  if (request.max_tokens && request.params.min_tokens > *request.max_tokens)
    refuse("min_tokens", "min_tokens is larger than max_tokens");
  const bool has_list = request.kind == ApiKind::embeddings || request.kind == ApiKind::rerank ||
                        request.kind == ApiKind::score;  // with limits of its own
  if (!has_list && request.prompts.size() * static_cast<std::size_t>(request.n) > kMaxPrompts)
    refuse("n", "prompts times n is over 1024 texts; send fewer in one request");
  check_tool_choice(request);
  if (request.kind == ApiKind::tokenize && request.prompts.empty() && !request.messages)
    refuse("prompt", "prompt is missing (or messages, to tokenize a conversation)");
}

}  // namespace

std::vector<const Field*> fields_of(ApiKind kind) {
  std::vector<const Field*> all;
  const auto add = [&](std::span<const Field> table) {
    for (const Field& field : table) all.push_back(&field);
  };
  switch (kind) {
    case ApiKind::chat:
      add(chat_fields());
      add(template_fields());
      add(tool_fields());
      add(approval_fields());
      break;
    case ApiKind::completion: add(completion_fields()); break;
    case ApiKind::responses:
      add(responses_fields());
      add(sampling_fields());
      break;
    case ApiKind::messages:
      add(message_input_fields());
      add(message_output_fields());
      break;
    case ApiKind::count_tokens: add(message_input_fields()); break;
    case ApiKind::apply_template:
      add(template_fields());
      add(tool_fields());
      break;
    case ApiKind::tokenize:
      add(tokenize_fields());
      add(template_fields());
      add(tool_fields());
      break;
    case ApiKind::detokenize: add(detokenize_fields()); break;
    case ApiKind::embeddings: add(embeddings_fields()); break;
    case ApiKind::rerank: add(rerank_fields()); break;
    case ApiKind::score: add(score_fields()); break;
  }
  if (kind == ApiKind::chat || kind == ApiKind::completion) {
    add(sampling_fields());
    add(output_fields());
    add(grammar_fields());
    add(unsupported_fields());
  }
  return all;
}

ApiRequest parse_api_request(ApiKind kind, std::string_view body) {
  json document;
  const JsonDismantler dismantler(document);
  try {
    document = parse_ordered_json(body, "the request's body", kBodyLimits);
  } catch (const Error& error) {
    throw ApiError(400, "invalid_json", "", error.what());
  }
  if (!document.is_object()) {
    throw ApiError(
        400, "invalid_json", "",
        fmt::format("the request's body is {}, must be a JSON object", describe_value(document)));
  }
  return read_api_request(kind, document);
}

ApiRequest read_api_request(ApiKind kind, const json& body) {
  ApiRequest request;
  request.kind = kind;
  request.store = kind == ApiKind::responses;
  request.skip_special_tokens = kind != ApiKind::detokenize;
  const Values values = known_values(kind, body, request);
  for (const Field* field : fields_of(kind)) {
    const json* value = values.at(field->name);
    // /tokenize takes a prompt or messages; all other routes with messages need them.
    if (kind == ApiKind::tokenize && field->name == "messages" && value == nullptr) continue;
    take_field(*field, value, request);
  }
  check_together(request);
  // Elsewhere once what is before the messages is known, too.
  if (request.previous_response_id.empty()) add_system_text(request);
  return request;
}

void check_unknown_fields(const ApiRequest& request, bool strict) {
  if (!strict || request.unknown_fields.empty()) return;
  const std::string& name = request.unknown_fields.front();
  throw ApiError(
      400, "unknown_parameter", name,
      fmt::format("{} is not a field that this server knows (it runs with --strict)", name));
}

}  // namespace tinyllm
