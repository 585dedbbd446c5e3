#pragma once
// A mistake whose numbers the course does not know, kept for those who write it. Any thread.

#include <filesystem>

#include "learn/check.h"

namespace tinyllm::learn {

// Whether the numbers are wrong, and no known mistake has them.
bool is_unknown_mistake(const CheckResult& result);

// A copy of the learner's file in notes/mistakes/TASK-N.cpp, with the case that found it on top.
// Returns its path. Throws Error{io}.
std::filesystem::path keep_mistake(const CoursePaths& paths, const Task& task,
                                   const CheckResult& result);

}  // namespace tinyllm::learn
