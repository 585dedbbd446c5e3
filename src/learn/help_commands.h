#pragma once
// Ways out when a learner is stuck: hint, solution, debugger. Used by the watch loop within a
// session, and as commands. Main thread only.

#include <string>

#include "learn/session.h"

namespace tinyllm::learn {

// Shows the next hint of the task and counts it; after the last one, all of them.
void show_hint(Session& session, const Task& task);

// Shows the engine's own region. Before the task is green all hints must have been shown, and the
// learner must say yes.
void show_solution(Session& session, const Task& task, bool yes);

// gdb (or lldb) at the learner's function, on the first case that fails. `only_build`: for an
// editor that starts the debugger itself.
void debug_task(Session& session, const Task& task, bool only_build = false);

// The lesson in the pager, or with `browser` as a page. `task_id`: the pager opens at the task
// whose heading names it.
void read_lesson(Session& session, const Day& day, bool browser, const std::string& task_id = "");

// The task that `word` names; "" is the next one that is not green (the last one when all are).
const Task& task_meant(const Session& session, const std::string& word);

}  // namespace tinyllm::learn
