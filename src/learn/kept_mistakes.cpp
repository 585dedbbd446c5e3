#include "learn/kept_mistakes.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm::learn {

namespace fs = std::filesystem;

bool is_unknown_mistake(const CheckResult& result) {
  return result.outcome == Outcome::red && result.failure.kind == "wrong" &&
         result.failure.mutant.empty();
}

fs::path keep_mistake(const CoursePaths& paths, const Task& task, const CheckResult& result) {
  const fs::path folder = paths.learner / "notes/mistakes";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCode::io, "cannot make {}: {}", folder.string(), error.message());
  const fs::path source = paths.code() / task.learner_file;
  const std::string text = fmt::format(
      "// {}: a mistake that the course does not name yet. What is wrong, in a sentence:\n//\n"
      "// {}\n\n{}",
      task.id, result.failure.title, read_text_file(source));
  for (int n = 1;; ++n) {
    const fs::path file = folder / fmt::format("{}-{}{}", task.id, n, source.extension().string());
    if (fs::exists(file)) continue;
    write_file_atomic(file, text);
    return file;
  }
}

}  // namespace tinyllm::learn
