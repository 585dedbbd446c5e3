#pragma once
// Where things lie: the course (read only), the build that
// it links against, and the learner's own folder. Any thread.

#include <filesystem>
#include <string>

namespace tinyllm::learn {

struct CoursePaths {
  std::filesystem::path root;     // the repository: src/, course/
  std::filesystem::path build;    // a build tree with compile_commands.json and libtinyllm.a
  std::filesystem::path learner;  // code/, progress/, sessions/: the repository, or --folder

  std::filesystem::path lessons;  // root/course, or TINYLLM_COURSE (a planted one, in tests)

  std::filesystem::path course() const { return lessons; }
  std::filesystem::path code() const { return learner / "code"; }
  std::filesystem::path state_file() const { return learner / "progress/state.json"; }
  // Objects, binaries and reports of the learner's builds; may be deleted at any time.
  std::filesystem::path scratch() const { return learner / "build/learn"; }
};

// From the running binary's place, else from the working folder.
// `folder` empty: TINYLLM_LEARNER, else the repository.
// Throws Error{not_found} when there is no course here, or nothing is built.
CoursePaths find_course(const std::string& folder);

// The path as a person would type it from the learner's folder.
std::string shown(const CoursePaths& paths, const std::filesystem::path& path);

}  // namespace tinyllm::learn
