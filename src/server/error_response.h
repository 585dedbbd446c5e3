#pragma once
// A refused or failed request as an HTTP answer, in OpenAI's shape (openai/api_error.h).

#include <exception>
#include <string_view>

#include "server/http_exchange.h"

namespace tinyllm {

HttpResponse error_response(const std::exception& error);
HttpResponse error_response(int status, std::string_view code, std::string_view message);

}  // namespace tinyllm
