#pragma once
// The learner's side of the disk: skeletons under code/, what an editor needs to know, and what a
// new version of the course changes. Never overwrites what a learner has written. One thread.

#include <string>
#include <vector>

#include "learn/manifest.h"
#include "learn/progress.h"

namespace tinyllm::learn {

// The skeleton of a task, from the engine's file of today.
std::string skeleton_of(const CoursePaths& paths, const Task& task);

// Writes each skeleton that is not there, compile_commands.json and the editor's settings. Returns
// what was written, as it is shown. Changes `progress`, which the caller saves.
std::vector<std::string> write_missing_files(const CoursePaths& paths, const Course& course,
                                             Progress& progress);

// After a new version of the course came: a line for each task whose contract changed, and for what
// is new. Files that were still skeletons are written anew; others are kept.
std::vector<std::string> update_files(const CoursePaths& paths, const Course& course,
                                      Progress& progress);

enum class FileState { missing, todo, written };
FileState file_state(const CoursePaths& paths, const Task& task);

}  // namespace tinyllm::learn
