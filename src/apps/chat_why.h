#pragma once
// What /why of a chat says: where the time of the last answer went. Main thread only, while nothing
// runs.

#include <string>

#include "api/text_account.h"

namespace tinyllm {

class Engine;

// Lines for the terminal. Measures how fast the machine reads memory, which takes about two seconds,
// where that bounds the engine.
std::string why_text(const TextAccount& account, const Engine& engine);

}  // namespace tinyllm
