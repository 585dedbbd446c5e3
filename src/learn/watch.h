#pragma once
// The loop that a learner lives in: save, build, test, see;
// with one-key commands. Main thread only.

#include <string>

#include "learn/session.h"

namespace tinyllm::learn {

// `day`: only its tasks; "": all. There are no keys when stdin or stdout is no terminal, or with
// --plain: then each result is printed, until Ctrl-C or the end of stdin.
void run_watch(Session& session, const std::string& day);

}  // namespace tinyllm::learn
