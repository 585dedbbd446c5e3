#include "learn/list.h"

#include <fmt/format.h>

namespace tinyllm::learn {
namespace {

std::string mark_of(const Session& session, const Task& task) {
  const Style& style = session.style;
  const Verdict verdict = session.verdict(task);
  if (verdict == Verdict::green) return style.green("green");
  if (verdict == Verdict::changed) return style.yellow("edited");
  return file_state(session.paths, task) == FileState::written ? style.red("red   ")
                                                               : style.dim("open  ");
}

}  // namespace

std::string list_text(const Session& session) {
  const Style& style = session.style;
  std::string text;
  const Task* next = session.next_task();
  for (const Day& day : session.course.days) {
    text += fmt::format("{} {}{}\n", style.bold(day.id), day.title,
                        day.has_lesson() ? "" : style.dim("   (no lesson yet)"));
    for (const Task* task : session.course.tasks_of(day.id)) {
      text += fmt::format("  {} {} {:<21} {:<32} {}\n", task == next ? ">" : " ",
                          mark_of(session, *task), task->id, task->title,
                          style.dim("code/" + task->learner_file));
    }
  }
  return text;
}

}  // namespace tinyllm::learn
