#pragma once
// Tools on their way into a prompt: which formats a model has, and what its template gets. Any thread.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/text_range.h"
#include "openai/api_request.h"
#include "openai/served_model.h"

namespace tinyllm {

// Sets the model's formats: those of these names, or for "auto" those that its template shows.
// Throws Error{usage} for a name that no format has.
void choose_formats(ServedModel& model, std::string_view tools = "auto",
                    std::string_view reasoning = "auto");

// Whether the model's template renders tools. If not they are put into the system message.
bool template_knows_tools(const ServedModel& model);

// Whether it knows `enable_thinking`.
bool template_knows_thinking(const ServedModel& model);

// Whether it knows `reasoning_effort`.
bool template_knows_effort(const ServedModel& model);

// The template's inputs for the request's messages: its variables, messages and tools. `as_text`:
// arguments of calls are JSON text, which few templates want; most take the object.
nlohmann::ordered_json template_inputs(const ApiRequest& request, const ServedModel& model,
                                       bool as_text);

// Whether the prompt ends with the beginning of reasoning, so that the answer goes on with it.
bool opens_reasoning(const MarkedText& prompt, const ServedModel& model);

}  // namespace tinyllm
