#pragma once
// The API's description, made from the field table: for machines (/openapi.json) and for people
// (docs/api.md). Any thread.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "openai/api_request.h"

namespace tinyllm {

nlohmann::ordered_json openapi_document();  // OpenAPI 3.1

std::string api_page();  // docs/api.md, Markdown

}  // namespace tinyllm
