#include "server/error_response.h"

#include <utility>

#include "openai/api_error.h"

namespace tinyllm {
namespace {

HttpResponse to_response(ErrorAnswer answer) {
  return {.status = answer.status, .body = std::move(answer.body)};
}

}  // namespace

HttpResponse error_response(const std::exception& error) {
  return to_response(describe_error(error));
}

HttpResponse error_response(int status, std::string_view code, std::string_view message) {
  return to_response(describe_error(status, code, message));
}

}  // namespace tinyllm
