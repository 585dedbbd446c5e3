#include "openai/api_error.h"

#include <new>
#include <nlohmann/json.hpp>

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

const char* type_of(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 429: return "rate_limit_error";
    case 500: return "server_error";
    case 501: return "not_supported_error";
    case 503: return "unavailable_error";
    default: return "invalid_request_error";
  }
}

// Programs tell Anthropic's errors apart by these words.
const char* anthropic_type_of(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 500: return "api_error";
    case 503: return "overloaded_error";
    default: return "invalid_request_error";
  }
}

json or_null(std::string_view text) {
  return text.empty() ? json(nullptr) : json(std::string(text));
}

json body_of(int status, std::string_view code, std::string_view param, std::string_view message) {
  return {{"error",
           {{"message", std::string(message)},
            {"type", type_of(status)},
            {"param", or_null(param)},
            {"code", or_null(code)}}}};
}

ErrorAnswer answer(int status, json body, ErrorShape shape) {
  if (shape == ErrorShape::anthropic) {
    body["error"]["type"] = anthropic_type_of(status);
    body = {{"type", "error"}, {"error", std::move(body["error"])}};
  }
  return {status, body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
    case ErrorCode::context_overflow:
    case ErrorCode::unsupported: return 400;
    case ErrorCode::not_found: return 404;
    default: return 500;
  }
}

}  // namespace

void refuse_field(const std::string& param, std::string_view found, std::string_view wanted) {
  throw ApiError(400, "invalid_value", param,
                 fmt::format("{} is {}, must be {}", param, found, wanted));
}

ErrorAnswer describe_error(const std::exception& error, ErrorShape shape) {
  if (const auto* ours = dynamic_cast<const ApiError*>(&error)) {
    json body = body_of(ours->status, ours->code, ours->param, ours->what());
    if (ours->n_context >= 0) {
      body["error"]["n_prompt_tokens"] = ours->n_prompt_tokens;
      body["error"]["n_ctx"] = ours->n_context;
    }
    if (!ours->keyword.empty()) body["error"]["keyword"] = ours->keyword;
    if (!ours->pointer.empty()) body["error"]["pointer"] = ours->pointer;
    return answer(ours->status, std::move(body), shape);
  }
  if (const auto* known = dynamic_cast<const Error*>(&error)) {
    const int status = status_of(known->code());
    if (status != 500) return describe_error(status, "", known->what(), shape);
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return describe_error(503, "overloaded", "the server has no memory for this now; try again",
                          shape);
  return describe_error(500, "", "internal error; the server's log says more", shape);
}

ErrorAnswer describe_error(int status, std::string_view code, std::string_view message,
                           ErrorShape shape) {
  return answer(status, body_of(status, code, "", message), shape);
}

}  // namespace tinyllm
