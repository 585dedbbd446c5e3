#include "learn/course_paths.h"

#include <cstdlib>
#include <system_error>

#include "base/error.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

// The nearest folder at or above `start` that holds the course, or an empty path.
fs::path root_above(fs::path start) {
  for (; !start.empty(); start = start.parent_path()) {
    if (fs::exists(start / "course/course.toml")) return start;
    if (start == start.root_path()) break;
  }
  return {};
}

}  // namespace

CoursePaths find_course(const std::string& folder) {
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  CoursePaths paths;
  paths.root = root_above(binary.parent_path());
  if (paths.root.empty()) paths.root = root_above(fs::current_path());
  if (paths.root.empty()) {
    fail(ErrorCode::not_found,
         "there is no course/course.toml here or above; call ./tiny learn in a clone of tiny-llm");
  }
  paths.build = fs::exists(binary.parent_path() / "compile_commands.json")
                    ? binary.parent_path()
                    : paths.root / "build/release";
  if (!fs::exists(paths.build / "libtinyllm.a")) {
    fail(ErrorCode::not_found, "{}: has no libtinyllm.a; './tiny learn' builds it",
         paths.build.string());
  }
  const char* planted = std::getenv("TINYLLM_COURSE");
  paths.lessons = planted == nullptr ? paths.root / "course" : fs::path(planted);
  const char* elsewhere = std::getenv("TINYLLM_LEARNER");
  const std::string wanted = folder.empty() && elsewhere != nullptr ? elsewhere : folder;
  paths.learner = wanted.empty() ? paths.root : fs::absolute(wanted).lexically_normal();
  return paths;
}

std::string shown(const CoursePaths& paths, const fs::path& path) {
  for (const fs::path& base : {paths.learner, paths.root}) {
    const fs::path relative = path.lexically_relative(base);
    if (!relative.empty() && *relative.begin() != "..") return relative.string();
  }
  return path.string();
}

}  // namespace tinyllm::learn
