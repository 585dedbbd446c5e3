#pragma once
// Reads the functions that a request offers, whichever API's form they have. Any thread.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/function_ref.h"
#include "openai/api_request.h"

namespace tinyllm {

// Each throws ApiError{400} with the path of what is wrong.

// Letters, digits and _ - . only.
std::string read_function_name(const std::string& path, const nlohmann::ordered_json& value);

// {"name", "description", "parameters", "strict"} as a template gets it: what is null or not for it is
// left out. `is_strict` is set where the function is.
nlohmann::ordered_json read_function(const std::string& path,
                                     const nlohmann::ordered_json& function, bool& is_strict);

// An array of tools into the request. `read` gives the function of a tool at a path, or null for a
// tool that it has taken itself; `name` is where in a tool its name stands, ".function.name".
void take_tools(const nlohmann::ordered_json& tools, const char* name, ApiRequest& request,
                function_ref<nlohmann::ordered_json(const std::string& path,
                                                    const nlohmann::ordered_json& tool)>
                    read);

// The functions of a request, an array that is not empty.
void give_tools(ApiRequest& request, std::shared_ptr<const nlohmann::ordered_json> tools);

// Whether the model must call a function, and which.
void choose_tool(ApiRequest& request, ToolChoice choice, std::string function = "");
// The same as OpenAI's APIs say it in a word: auto, none or required.
void choose_tool_by_word(const nlohmann::ordered_json& word, ApiRequest& request);

}  // namespace tinyllm
