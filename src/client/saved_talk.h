#pragma once
// The messages of a talk that was written into a file. Any thread.

#include <nlohmann/json_fwd.hpp>

namespace tinyllm {

// The array of messages of {"system": "...", "messages": [...]}: in each turn a question of the user,
// then calls of tools with their results as often as there were, then an answer. Throws
// Error{invalid_input} for anything else.
nlohmann::ordered_json read_talk(const nlohmann::ordered_json& talk);

}  // namespace tinyllm
