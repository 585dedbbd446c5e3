#pragma once
// The fields of each route's JSON body: one row a field with name, kind, default, limits and a
// sentence of help. This one table drives parsing and validation, and server/openapi.h makes
// /openapi.json and docs/api.md of it. Immutable: any thread.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "openai/api_request.h"

namespace tinyllm {

enum class FieldKind { boolean, integer, number, string, other };

inline constexpr std::string_view kNotSupported = "Not supported yet.";  // a field's help

struct Field {
  std::string_view name;
  FieldKind kind = FieldKind::other;
  // JSON text of the default: "" for a required field, "null" where its absence means something
  // that no value says.
  std::string_view fallback;
  // Hard limits, inclusive: of a number its value, of a string its bytes.
  double low = 0, high = 0;
  std::string_view help;
  // Kind other: the JSON schema, as text.
  std::string_view schema = "";
  // Takes the value (never null, of the right kind and in range) into the request. nullptr: the
  // field is understood, but we cannot do it yet: any value but the default is refused.
  void (*set)(const nlohmann::ordered_json& value, ApiRequest& request) = nullptr;
};

// Hard limits that several places ask for.
inline constexpr int kMaxPrompts = 1024;  // prompts of one request
inline constexpr int kMaxInputs = 2048;   // texts of one request for embeddings
inline constexpr int kMaxStops = 16;      // stop strings
inline constexpr int kMaxMessages = 10000;
inline constexpr int kMaxTools = 512;
inline constexpr int kMaxToolCalls = 512;  // of a message
inline constexpr int kMaxApprovals = 32;
inline constexpr int kMaxLogitBias = 1024;
inline constexpr int kMaxStopIds = 1024;
inline constexpr int kMaxKeys = 1024;           // of a message, and of chat_template_kwargs
inline constexpr int kMaxJsonValues = 1 << 18;  // values and keys of a body

// All fields of a route, in the order of its documentation: the tables of several files joined.
std::vector<const Field*> fields_of(ApiKind kind);

// A JSON body to a request. Throws ApiError that names the field. Unknown fields are left out and
// named in the request.
ApiRequest parse_api_request(ApiKind kind, std::string_view body);
// The same of an object that is read already.
ApiRequest read_api_request(ApiKind kind, const nlohmann::ordered_json& body);

// Throws ApiError{400} for a choice without tools; drops the tools that are not to be called.
void check_tool_choice(ApiRequest& request);

// Throws ApiError{400} for a request with unknown fields where a server is `strict`.
void check_unknown_fields(const ApiRequest& request, bool strict);

// The tables (fields_*.cpp).
std::span<const Field> sampling_fields();  // chat and completion
std::span<const Field> output_fields();    // chat and completion
std::span<const Field> grammar_fields();   // chat and completion
std::span<const Field> chat_fields();
std::span<const Field> completion_fields();
std::span<const Field> responses_fields();
std::span<const Field> message_input_fields();   // of Anthropic's API
std::span<const Field> message_output_fields();  // of /v1/messages
std::span<const Field> template_fields();        // messages and what goes with them
std::span<const Field> tool_fields();            // chat, and what renders messages
std::span<const Field> approval_fields();        // chat
std::span<const Field> embeddings_fields();
std::span<const Field> rerank_fields();
std::span<const Field> score_fields();
std::span<const Field> tokenize_fields();
std::span<const Field> detokenize_fields();
std::span<const Field> unsupported_fields();  // chat and completion: refused clearly

}  // namespace tinyllm
