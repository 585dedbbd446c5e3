#pragma once
// What the answers of a request look like: what holds the model to it, and what reads it. Any thread.

#include <memory>
#include <optional>

#include "api/thinking_limit.h"
#include "openai/api_request.h"
#include "openai/served_model.h"

namespace tinyllm {

struct AnswerFormat;
struct TextConstraint;

struct AnswerShape {
  std::shared_ptr<const TextConstraint> constraint;  // nullptr: the text is free
  std::shared_ptr<const AnswerFormat> format;        // nullptr: it is content and nothing else
  std::optional<ThinkingLimit> thinking;             // empty: as long as the model likes
};

// The grammar that the request asks for, calls that it forces, and calls of its tools, which follow
// their schemas once they have begun; each behind what the model thinks. `is_thinking`: the prompt has
// begun that. Throws ApiError{400} with the field, and the place in it, for what cannot be enforced.
// Schemas of functions that are not strict, limits of thinking and efforts may go unenforced: then
// `request.unknown_fields` names them.
AnswerShape answer_shape(ApiRequest& request, const ServedModel& model, bool is_thinking);

}  // namespace tinyllm
