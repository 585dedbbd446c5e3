#pragma once
// Setters that the field tables of several APIs use. Each throws ApiError{400} that names the field.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "openai/api_request.h"

namespace tinyllm {

// A string or a list of strings before which the text ends.
void set_stop_strings(const std::string& field, const nlohmann::ordered_json& value,
                      ApiRequest& request);

// How hard the model thinks, in a word for its template; "none": it does not think.
void set_reasoning_effort(const std::string& field, const nlohmann::ordered_json& value,
                          ApiRequest& request);

// /v1/responses' text.format: what chat calls response_format, with the schema beside its type.
void ask_text_format(const std::string& field, const nlohmann::ordered_json& value,
                     ApiRequest& request);

}  // namespace tinyllm
