#pragma once
// A question before something is lost. Main thread only.

#include <string>

namespace tinyllm {

// Asks on the terminal, "... [y/N] "; true for y. Without a terminal it throws Error{usage}:
// "`what`, and there is no terminal to ask on: give -y".
bool confirm(const std::string& question, const std::string& what);

}  // namespace tinyllm
