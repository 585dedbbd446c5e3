#include "learn/session.h"

#include <fmt/format.h>

namespace tinyllm::learn {

Session::Session(const SessionOptions& given)
    : paths(find_course(given.folder)),
      course(read_course(paths)),
      progress(paths),
      style(make_style(given.plain)),
      options(given) {
  if (!progress.warning().empty()) {
    say_aside(style.yellow("note: ") + wrap(progress.warning(), style.width - 6, "      ") + "\n");
  }
  if (given.only_reads) return;
  const bool first_call = progress.course_version() == 0;
  const std::vector<std::string> written = write_missing_files(paths, course, progress);
  progress.save();
  if (first_call && !written.empty()) {
    say_aside(fmt::format("Wrote {} skeletons into {}/: your code goes there.\n\n", written.size(),
                          shown(paths, paths.code())));
  }
}

const Task* Session::next_task() const {
  for (const Task& task : course.tasks) {
    if (!progress.is_green(task.id)) return &task;
  }
  return nullptr;
}

CheckResult Session::check(const Task& task, bool* became_green, bool explained) {
  const bool was_green = progress.is_green(task.id);
  CheckOptions check_options;
  check_options.name = "check-" + task.id;
  check_options.explained = explained;
  CheckResult result = check_task(paths, task, check_options);
  progress.note_check(task, result);
  progress.save();
  if (became_green != nullptr) *became_green = result.outcome == Outcome::green && !was_green;
  return result;
}

int Session::n_green() const {
  int n = 0;
  for (const Task& task : course.tasks) n += progress.is_green(task.id) ? 1 : 0;
  return n;
}

}  // namespace tinyllm::learn
