#pragma once
// A mistake whose numbers the course does not know, kept for those who write it. Any thread.

#include <filesystem>
#include <string>

#include "learn/check.h"

namespace tinyllm::learn {

// "" for numbers that are wrong and that no known mistake has; else why there is nothing to keep.
std::string reason_not_to_keep(const CheckResult& result);

// A copy of the learner's file in notes/mistakes/TASK-N.cpp, with the case that found it on top.
// Returns its path. Throws Error{io}.
std::filesystem::path keep_mistake(const CoursePaths& paths, const Task& task,
                                   const CheckResult& result);

}  // namespace tinyllm::learn
