#pragma once
// From lines to messages: a line; lines that end in a backslash, joined; or a block between """ and
// """. Where the lines come from is the caller's (a terminal, a pipe, a test).

#include <string>

#include "base/function_ref.h"

namespace tinyllm {

enum class InputEvent { text, interrupted, end };

// Fills `line` (without its newline). `continued`: the line goes on with a message.
using ReadLine = function_ref<InputEvent(bool continued, std::string& line)>;

// Fills `message`. Ctrl-C within a message throws it away: interrupted. The end of the input within
// one ends the message; the next call returns end.
InputEvent read_message(ReadLine read_line, std::string& message);

}  // namespace tinyllm
