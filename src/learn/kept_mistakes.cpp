#include "learn/kept_mistakes.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm::learn {

namespace fs = std::filesystem;

std::string reason_not_to_keep(const CheckResult& result) {
  if (result.outcome == Outcome::green) {
    return result.task_id + " is green; keep a mistake before you mend it";
  }
  if (result.outcome != Outcome::red || result.failure.kind != "wrong") {
    return result.task_id + " gives no wrong numbers, and only those are kept";
  }
  if (result.failure.mutant.empty()) return "";
  return fmt::format("the course knows this mistake of {} already", result.task_id);
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
