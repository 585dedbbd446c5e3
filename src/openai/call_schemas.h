#pragma once
// What the calls of a request must look like, as sources of grammars. Each function's arguments follow
// its schema. Any thread.

#include <string>

#include "openai/api_request.h"

namespace tinyllm {

// Whether the answer must be calls.
bool forces_calls(const ApiRequest& request);

// An answer that must be calls: {"name": "f", "arguments": {...}} or an array of these, whatever the
// model's own format is.
GrammarSource forced_calls(const ApiRequest& request);

}  // namespace tinyllm
