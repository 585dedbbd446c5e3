#pragma once
// What a new user meets once: the default model fetched without being asked for by name, and what to
// try after the first talk. Main thread only.

#include <string>

namespace tinyllm {

inline constexpr const char* kDefaultModel = "smollm2-135m";

// Pulls `name` when it is not in the user's model home, and says so on stderr. Throws Error.
void pull_default_model(const std::string& name);

// On a terminal, once a user: a marker file under the model home remembers it.
void show_next_steps_once();

}  // namespace tinyllm
