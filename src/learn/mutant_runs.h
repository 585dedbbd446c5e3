#pragma once
// For those who write the course: what each known mistake
// of a task answers, and which test kills it. One thread.

#include <string>
#include <vector>

#include "learn/check.h"

namespace tinyllm::learn {

struct MutantRun {
  std::string task_id, mutant_id;
  CheckResult result;
  std::string named;  // the mistake that `explain` names for it
};

// Builds and checks every mutant of the task, or `only` that one. Throws Error{usage} when the task
// has no such mutant.
std::vector<MutantRun> run_mutants(const CoursePaths& paths, const Task& task,
                                   const std::string& only = "");

// Writes the task's mutants.json anew from such runs, and pins the task's goldens.
void record_mutants(const CoursePaths& paths, const Task& task);

// "" when the task's mutants.json holds what such runs, of all mutants or of `only` one, answer
// today; else what differs.
std::string stale_record(const Task& task, const std::vector<MutantRun>& runs,
                         const std::string& only = "");

// Lets the model speak with each mutant and says whether its words change: what `audible` must be.
void hear_mutants(const CoursePaths& paths, const Task& task, const std::string& model);

}  // namespace tinyllm::learn
