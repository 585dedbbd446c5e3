#include "learn/lesson_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "learn/day_page.h"
#include "learn/help_commands.h"
#include "learn/journal.h"
#include "learn/kept_mistakes.h"
#include "learn/mine.h"
#include "learn/voice.h"
#include "learn/watch.h"

namespace tinyllm::learn {
namespace {

// The tasks that a person means.
std::vector<const Task*> tasks_meant(const Session& session, const CheckCommand& command) {
  std::vector<const Task*> tasks;
  if (command.all) {
    for (const Task& task : session.course.tasks) tasks.push_back(&task);
  } else if (session.course.find_day(command.word) != nullptr) {
    tasks = session.course.tasks_of(command.word);
    if (tasks.empty()) fail(ErrorCode::usage, "day {} has no tasks to check", command.word);
  } else if (!command.word.empty()) {
    tasks.push_back(&require_task(session.course, command.word));
  } else if (const Task* next = session.next_task()) {
    tasks.push_back(next);
  } else {
    for (const Task& task : session.course.tasks) tasks.push_back(&task);
  }
  return tasks;
}

void keep_or_say_why_not(const Session& session, const Task& task, const CheckResult& result) {
  const std::string reason = reason_not_to_keep(result);
  if (!reason.empty()) {
    say_aside(fmt::format("nothing was kept: {}\n", reason));
    return;
  }
  const auto kept = keep_mistake(session.paths, task, result);
  say_aside(fmt::format("kept: {}\n", shown(session.paths, kept)));
}

// What a person answers, an empty line where they skip; less where the input ends. Behind each answer
// stands the page's own, to compare.
std::vector<std::string> ask_questions(const Style& style,
                                       const std::vector<PageQuestion>& questions) {
  std::vector<std::string> answers;
  if (!questions.empty()) say("\nIn your own words, a line each (empty: skip):\n");
  for (const PageQuestion& one : questions) {
    say(fmt::format("{} {}\n> ", style.bold("?"), wrap(one.question, style.width - 2, "  ")));
    std::string answer;
    if (!std::getline(std::cin, answer)) break;
    answers.push_back(answer);
    if (!answer.empty())
      say(style.dim(wrap("the page: " + one.answer, style.width - 2, "  ") + "\n"));
  }
  return answers;
}

}  // namespace

void run_check_command(const SessionOptions& options, const CheckCommand& command) {
  Session session(options);
  std::vector<CheckResult> results;
  const bool quiet = command.as_json || command.as_junit;
  int n_red = 0;
  for (const Task* task : tasks_meant(session, command)) {
    results.push_back(session.check(*task, nullptr, command.explained));
    n_red += results.back().outcome == Outcome::green ? 0 : 1;
    if (command.keep) keep_or_say_why_not(session, *task, results.back());
    if (quiet) continue;
    say(as_text(*task, results.back(), session.style, {.explained = command.explained}) + "\n");
  }
  if (command.as_json) say(as_json(results));
  if (command.as_junit) say(as_junit(results));
  if (n_red > 0) {
    if (results.size() == 1) fail(ErrorCode::not_yet, "{} is not green yet", results[0].task_id);
    fail(ErrorCode::not_yet, "{} of {} tasks are not green yet", n_red, results.size());
  }
}

void speak_mine(const Session& session, const std::string& prompt) {
  const Style& style = session.style;
  const Mine mine = build_mine(session);
  say(wrap(describe(mine, session, false), style.width, "  ") + "\n\n");
  say(fmt::format("{} {}\n", style.dim("asked:"), prompt));
  const Voice voice = speak(
      mine.binary, session.options.model, prompt,
      [&](double seconds) { say(style.dim(fmt::format("({:.2g} s a token)\n", seconds))); },
      SpokenText(style, "  | "));
  say("\n");
  if (voice.interrupted) {
    say(style.dim("(stopped)\n"));
    return;
  }
  if (!voice.broken.empty()) {
    say(style.red("no answer: ") + voice.broken + "\n");
    return;
  }
  const VoiceComparison comparison = compare_with_engine(session.options.model, voice);
  say(style.dim(wrap(describe(comparison, voice.token_ids.size()), style.width, "  ") + "\n"));
}

void run_speak_command(const SessionOptions& options, const std::string& prompt) {
  const Session session(options);
  speak_mine(session, prompt.empty() ? "Why is the sky blue?" : prompt);
}

void run_learn_command(const SessionOptions& options) {
  Session session(options);
  run_watch(session, "");
  update_tracker(session);
}

void run_start_command(const SessionOptions& options, const std::string& id) {
  Session session(options);
  const Day* day = session.course.find_day(id);
  if (day == nullptr) {
    fail(ErrorCode::usage, "'{}' is not a day of the course; './tiny learn list' shows them", id);
  }
  if (!day->has_lesson()) fail(ErrorCode::usage, "day {} has no lesson yet", id);
  session.note([&](Progress& now) { now.note_start_day(id); });
  int n_before = 0;
  for (const Day* at = session.course.days.data(); at != day; ++at) {
    for (const Task* task : session.course.tasks_of(at->id)) {
      n_before += session.is_green(*task) ? 0 : 1;
    }
  }
  const Task* next = session.next_task();
  say(fmt::format("Your way begins at day {}, {}; the next task is {}.\n", id, day->title,
                  next == nullptr ? "none: all are green" : next->id));
  if (n_before > 0) {
    say(fmt::format(
        "{} tasks before it are open: the engine's own stands in for them, and they come "
        "back when the rest is green.\n",
        n_before));
  }
  say(fmt::format("  ./tiny learn day {}\n", id));
}

void run_day_command(const SessionOptions& options, const std::string& id) {
  Session session(options);
  const Day* day = session.course.find_day(id);
  if (day == nullptr)
    fail(ErrorCode::usage, "'{}' is not a day of the course; './tiny learn list' shows them", id);
  read_lesson(session, *day, false);
  const std::filesystem::path page = open_session_page(session, *day);
  say(fmt::format("Your page for today: {}\n", shown(session.paths, page)));
  run_watch(session, id);

  const auto tasks = session.course.tasks_of(id);
  const bool done =
      std::ranges::all_of(tasks, [&](const Task* task) { return session.is_green(*task); });
  std::vector<std::string> answers;
  if (!done) {
    say(fmt::format(
        "Not all is green yet: './tiny learn day {}' goes on here, and asks its questions "
        "at the end.\n",
        id));
  }
  const std::vector<PageQuestion> questions = page_questions(day_markdown(session.course, *day));
  if (done) answers = ask_questions(session.style, questions);
  close_session_page(session, *day, page, questions, answers);
  update_tracker(session);
  say(
      fmt::format("\nWritten: {} and progress/my-tracker.md. Next: what was hard, what you saw "
                  "(the blocks below in that page).\n",
                  shown(session.paths, page)));
}

}  // namespace tinyllm::learn
