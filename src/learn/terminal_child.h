#pragma once
// Another program on the learner's own terminal: a pager, a debugger, an editor. One thread.

#include <string>
#include <vector>

namespace tinyllm::learn {

// Runs it to its end; `input` is its stdin when not empty, else it gets our own. Meanwhile Ctrl-C
// goes to it alone. Returns its exit code; 127: no such program.
int run_on_terminal(const std::vector<std::string>& arguments, const std::string& input = "");

}  // namespace tinyllm::learn
