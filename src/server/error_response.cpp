#include "server/error_response.h"

#include <utility>

#include "openai/api_error.h"

namespace tinyllm {
namespace {

HttpResponse to_response(ErrorAnswer answer) {
  return {.status = answer.status, .body = std::move(answer.body)};
}

ErrorShape shape_of(std::string_view path) {
  return path.starts_with("/v1/messages") ? ErrorShape::anthropic : ErrorShape::openai;
}

}  // namespace

HttpResponse error_response(const std::exception& error, std::string_view path) {
  return to_response(describe_error(error, shape_of(path)));
}

HttpResponse error_response(int status, std::string_view code, std::string_view message,
                            std::string_view path) {
  return to_response(describe_error(status, code, message, shape_of(path)));
}

}  // namespace tinyllm
