#pragma once
// The commands with which the engine itself was built, taken from its build tree: a learner's file
// gets the same compiler and flags. Any thread.

#include <filesystem>
#include <string>
#include <vector>

#include "learn/course_paths.h"

namespace tinyllm::learn {

struct CompileCommand {
  std::filesystem::path directory;
  std::vector<std::string> arguments;  // compiler and flags, without -c, -o and the file
  std::filesystem::path object;        // what the engine's build made
};

// Of src/`engine_file`. Throws Error{not_found} when the build tree does not know it, and says why
// when it belongs to another folder.
CompileCommand compile_command(const CoursePaths& paths, const std::string& engine_file);

// False for a .cu file where the engine was built without nvcc.
bool can_compile(const CoursePaths& paths, const std::string& engine_file);

// The link of `tinyllm`, its output and map left out,
// cut where objects go in: before the first archive.
struct LinkCommand {
  std::filesystem::path directory;
  std::vector<std::string> before, after;
};
LinkCommand link_command(const CoursePaths& paths);

// Words of a shell command as a build tree writes it: quotes and backslashes are understood.
std::vector<std::string> split_command(const std::string& command);

}  // namespace tinyllm::learn
