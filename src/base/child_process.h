#pragma once
// Runs another program to its end, with no terminal
// to ask on, and keeps what it prints. One thread.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "base/spawned_process.h"

namespace tinyllm {

struct ChildResult {
  int exit_code = 0;     // 127: no such program; 128 + n: ended by signal n, or it said so itself
  int signal = 0;        // that ended it; 0: it left by itself
  bool stopped = false;  // `keep_going` returned false
  std::string output;    // stdout and stderr as they came; the last megabyte
};

// `arguments[0]` is looked up in PATH. `environment` is added to our own. `keep_going` is shown the
// output so far about ten times a second; when it returns false or throws, the program and all that
// it started are ended. Throws Error{io} when no process can be made.
ChildResult run_child(const std::vector<std::string>& arguments,
                      const std::vector<std::pair<std::string, std::string>>& environment,
                      function_ref<bool(std::string_view)> keep_going,
                      const ProcessLimits& limits = {});

}  // namespace tinyllm
