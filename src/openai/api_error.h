#pragma once
// What a client is told when something is wrong: status, and a body in OpenAI's shape
// {"error": {"message", "type", "param", "code"}}. Messages name no file, address or secret.

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace tinyllm {

// An Error that knows the field it speaks of, and the status that fits.
class ApiError : public Error {
 public:
  ApiError(int status, std::string code, std::string param, const std::string& message)
      : Error(ErrorCode::invalid_input, message),
        status(status),
        code(std::move(code)),
        param(std::move(param)) {}

  int status;
  std::string code;   // a word for programs: "context_length_exceeded"; "" when there is none
  std::string param;  // the field, "messages[1].role"; "" when it is none
  std::int64_t n_prompt_tokens = -1, n_context = -1;  // with context_length_exceeded
  std::string keyword, pointer;  // of a schema that is refused: where in it, "#/properties/a"
};

// 400 that names a field: "temperature is 3, must be a number in [0, 2]".
[[noreturn]] void refuse_field(const std::string& param, std::string_view found,
                               std::string_view wanted);

// The answer to a failed request.
struct ErrorAnswer {
  int status = 500;
  std::string body;  // JSON text
};

enum class ErrorShape { openai, anthropic };  // anthropic: {"type": "error", "error": {...}}

// What is not an Error of ours is told as "internal error" and no more.
ErrorAnswer describe_error(const std::exception& error, ErrorShape shape = ErrorShape::openai);
ErrorAnswer describe_error(int status, std::string_view code, std::string_view message,
                           ErrorShape shape = ErrorShape::openai);

}  // namespace tinyllm
