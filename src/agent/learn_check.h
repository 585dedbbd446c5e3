#pragma once
// The course's judge as a tool: a model may run `learn check` itself. Any thread.

#include <string>
#include <vector>

#include "agent/tool.h"

namespace tinyllm {

// `command` is the program and the words before the lesson's: {".../tinyllm", "learn", "check"}. It
// compiles and runs the learner's own file.
Tool make_learn_check(std::vector<std::string> command);

}  // namespace tinyllm
