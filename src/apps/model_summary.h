#pragma once
// What there is to say about a model before it runs: for people and as JSON. Any thread.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "loader/checkpoint.h"

namespace tinyllm {

// Never fails because of the text side: where a tokenizer or a template cannot be read, the summary
// says why.
nlohmann::ordered_json summarise(const Checkpoint& checkpoint);

// A page of text, at most 80 columns but for the path. `all_tensors`: every tensor with its shape,
// else one line a kind.
std::string format_summary(const nlohmann::ordered_json& summary, bool all_tensors);

}  // namespace tinyllm
