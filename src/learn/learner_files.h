#pragma once
// The learner's files: skeletons under code/, the settings of an editor, and what a new version of
// the course changes in them. Never overwrites what a learner has written. One thread.

#include <string>
#include <vector>

#include "learn/manifest.h"
#include "learn/progress.h"

namespace tinyllm::learn {

// The skeleton of a task, made from the engine's file as it is now.
std::string skeleton_of(const CoursePaths& paths, const Task& task);

// Writes each skeleton that is not there, compile_commands.json and the editor's settings. Returns
// what was written, as it is shown. Changes `progress`, which the caller saves.
std::vector<std::string> write_missing_files(const CoursePaths& paths, const Course& course,
                                             Progress& progress);

// After an update of the course: a line for each task whose contract changed, and for each new one.
// Files that are still skeletons are written anew; others are kept.
std::vector<std::string> update_files(const CoursePaths& paths, const Course& course,
                                      Progress& progress);

enum class FileState { missing, todo, written };
FileState file_state(const CoursePaths& paths, const Task& task);

}  // namespace tinyllm::learn
