#pragma once
// What runs inside the process of a learner's code: limits, cases, and a report that is written
// line by line, so that it shows where a crash was. One thread.

#include <filesystem>
#include <span>
#include <string>

#include "learn/lesson_case.h"

namespace tinyllm::learn {

// Runs the cases of `golden` and then the properties. Never throws for what the learner's code
// does. Report: one JSON object per line. First {"plan": [names]}, all that is going to run; then
// for each {"begin": name} and {"name", "status": ok | not_yet | threw | fault, "message",
// "answers"} (cases) or {"property", "status": ok | wrong, "message"}.
// `only`: the name of one case or property, for the debugger; "": all.
void run_lesson_test(const LessonTest& test, const std::filesystem::path& golden,
                     const std::filesystem::path& report, const std::string& only);

// Processor seconds and memory that the process may use; no core file. Memory is not limited where
// TINYLLM_LESSON_EXACT or TINYLLM_LESSON_DEVICE is set: AddressSanitizer and CUDA map terabytes.
void limit_this_process(int cpu_seconds);

}  // namespace tinyllm::learn
