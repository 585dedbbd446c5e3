#pragma once
// Our own name as the user typed it. `./tiny` runs the binary for people who have no `tinyllm` on
// their PATH, and says in $TINYLLM_CALLED_AS how it was called. Any thread.

#include <string>

namespace tinyllm {

// `text` with "tinyllm COMMAND" and "tinyllm --help" as this user would type them: "./tiny COMMAND".
// What is not a command line ("tinyllm: no such file", a path) stays.
std::string as_called(std::string text);

}  // namespace tinyllm
