#include "learn/session.h"

#include <fmt/format.h>

#include "base/file.h"
#include "learn/scratch_lock.h"

namespace tinyllm::learn {

namespace fs = std::filesystem;

Session::Session(const SessionOptions& given)
    : paths(find_course(given.folder)),
      course(read_course(paths)),
      progress(paths),
      style(make_style(given.plain)),
      options(given) {
  say_warning();
  if (given.only_reads) return;
  const ScratchLock lock(paths);
  progress.reload();
  const bool first_call = progress.course_version() == 0;
  const std::vector<std::string> written = write_missing_files(paths, course, progress);
  progress.save();
  if (first_call && !written.empty()) {
    say_aside(fmt::format("Wrote {} skeletons into {}/: your code goes there.\n\n", written.size(),
                          shown(paths, paths.code())));
  }
}

const Task* Session::next_task() const {
  const std::string start = progress.start_day();
  const Task* before_start = nullptr;
  bool started = course.find_day(start) == nullptr;
  for (const Day& day : course.days) {
    started = started || day.id == start;
    for (const Task* task : course.tasks_of(day.id)) {
      if (is_green(*task)) continue;
      if (started) return task;
      if (before_start == nullptr) before_start = task;
    }
  }
  return before_start;
}

CheckResult Session::check(const Task& task, bool* became_green, bool explained) {
  const ScratchLock lock(paths);
  const fs::path file = paths.code() / task.learner_file;
  const std::string text = fs::exists(file) ? read_text_file(file) : "";
  bool was_green = false;
  CheckOptions check_options;
  check_options.name = "check-" + task.id;
  check_options.explained = explained;
  CheckResult result = check_task(paths, task, check_options);
  note([&](Progress& now) {
    was_green = now.is_green(task.id);
    now.note_check(task, result, text);
  });
  if (became_green != nullptr) *became_green = result.outcome == Outcome::green && !was_green;
  return result;
}

int Session::n_green() const {
  int n = 0;
  for (const Task& task : course.tasks) n += is_green(task) ? 1 : 0;
  return n;
}

Verdict Session::verdict(const Task& task) const {
  if (!progress.is_green(task.id)) return Verdict::open;
  const fs::path file = paths.code() / task.learner_file;
  const std::string text = fs::exists(file) ? read_text_file(file) : "";
  return progress.was_checked_as(task.id, text) ? Verdict::green : Verdict::changed;
}

Session::~Session() { say_warning(); }

void Session::say_warning() {
  const std::string warning = progress.take_warning();
  if (warning.empty()) return;
  say_aside(style.yellow("note: ") + wrap(warning, style.width - 6, "      ") + "\n");
}

void Session::note(const std::function<void(Progress&)>& change) {
  const ScratchLock lock(paths);
  progress.reload();
  change(progress);
  progress.save();
}

}  // namespace tinyllm::learn
