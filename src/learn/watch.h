#pragma once
// The loop that a learner lives in: save, build, test, see; with one-key commands. Main thread
// only.

#include <string>

#include "learn/session.h"

namespace tinyllm::learn {

// `day`: only its tasks; "": all. Without a terminal on both sides, or with --plain, there are no
// keys: it prints each result, until Ctrl-C or the end of stdin.
void run_watch(Session& session, const std::string& day);

}  // namespace tinyllm::learn
