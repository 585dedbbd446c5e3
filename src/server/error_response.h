#pragma once
// A refused or failed request as an HTTP answer, in the shape of the API that was asked
// (openai/api_error.h).

#include <exception>
#include <string_view>

#include "server/http_exchange.h"

namespace tinyllm {

// `path`: of the request, "" where it is not known.
HttpResponse error_response(const std::exception& error, std::string_view path = "");
HttpResponse error_response(int status, std::string_view code, std::string_view message,
                            std::string_view path = "");

}  // namespace tinyllm
