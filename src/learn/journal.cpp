#include "learn/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm::learn {
namespace {

constexpr const char* kTracker = "progress/my-tracker.md";
constexpr const char* kCourseTracker = "progress/tiny-llm-tracker.md";

namespace fs = std::filesystem;

constexpr const char* kMachineBegin = "<!-- filled by ./tiny learn: begin -->";
constexpr const char* kMachineEnd = "<!-- filled by ./tiny learn: end -->";

// The text with everything between the two marks replaced; unchanged where they are missing.
std::string with_machine_part(std::string text, const std::string& part) {
  const std::size_t begin = text.find(kMachineBegin), end = text.find(kMachineEnd);
  if (begin == text.npos || end == text.npos || end < begin) return text;
  const std::size_t from = begin + std::string_view(kMachineBegin).size();
  return text.replace(from, end - from, "\n" + part);
}

void replace_first(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at != text.npos) text.replace(at, from.size(), to);
}

// The learner's tracker. It begins as a copy of the course's, which git knows and which the tool
// never writes: so a pull of the course has no change of ours in its way.
fs::path own_tracker(const CoursePaths& paths) {
  const fs::path file = paths.learner / kTracker;
  if (!fs::exists(file)) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    const fs::path before = paths.learner / kCourseTracker;  // earlier versions wrote there
    write_file_atomic(file,
                      read_text_file(fs::exists(before) ? before : paths.root / kCourseTracker));
  }
  return file;
}

constexpr const char* kNotAnswered = "(not answered)";
const std::string kAnswerMark = "  - ";
std::string question_line(const std::string& question) { return "- " + question + "\n"; }

// What was answered on the page before, in its order. A person's words are never written over.
std::vector<std::string> answers_in(const std::string& page, const std::string& question) {
  std::vector<std::string> answers;
  const std::size_t at = page.find("\n" + question_line(question));
  if (at == page.npos) return answers;
  std::istringstream lines(page.substr(at + 1 + question_line(question).size()));
  for (std::string line; std::getline(lines, line) && line.starts_with(kAnswerMark);) {
    const std::string answer = line.substr(kAnswerMark.size());
    if (answer != kNotAnswered) answers.push_back(answer);
  }
  return answers;
}

// Answers to questions that the day asked in an earlier version: "- Q\n  - A\n" for each.
std::string answers_to_others(const std::string& page, const std::vector<PageQuestion>& questions) {
  const std::size_t begin = page.find(kMachineBegin), end = page.find(kMachineEnd);
  if (begin == page.npos || end == page.npos || end < begin) return "";
  std::istringstream lines(page.substr(begin, end - begin));
  std::string kept, question;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("- ")) {
      const bool is_asked =
          std::ranges::find(questions, line.substr(2), &PageQuestion::question) != questions.end();
      question = is_asked ? "" : line.substr(2);
      continue;
    }
    if (question.empty() || !line.starts_with(kAnswerMark)) continue;
    if (line.substr(kAnswerMark.size()) == kNotAnswered) continue;
    if (kept.find(question_line(question)) == kept.npos) kept += question_line(question);
    kept += line + "\n";
  }
  return kept;
}

std::string task_line(const Session& session, const Task& task) {
  const Progress& progress = session.progress;
  std::string line =
      fmt::format("- `{}`: {}", task.id,
                  session.is_green(task) ? "green since " + progress.solved_on(task.id)
                  : session.verdict(task) == Verdict::changed ? "edited since it was green"
                                                              : "open");
  line += fmt::format(", {} checks, {} hints, {} min", progress.n_checks(task.id),
                      progress.hints_shown(task.id), progress.seconds_on(task.id) / 60);
  if (progress.saw_solution(task.id)) line += ", solution read";
  if (!progress.last_failure(task.id).empty()) {
    line += ", last failure " + progress.last_failure(task.id);
  }
  return line + "\n";
}

std::string status_of(const Session& session, const Day& day) {
  const std::vector<const Task*> tasks = session.course.tasks_of(day.id);
  if (!day.has_lesson()) return "no lesson yet";
  if (tasks.empty()) return session.progress.was_read(day.id) ? "read" : "open";
  const auto n =
      std::ranges::count_if(tasks, [&](const Task* task) { return session.is_green(*task); });
  if (n == 0) return "open";
  return n == static_cast<std::ptrdiff_t>(tasks.size()) ? "green"
                                                        : fmt::format("{} of {}", n, tasks.size());
}

std::int64_t seconds_on(const Session& session, const Day& day) {
  std::int64_t seconds = session.progress.seconds_on_day(day.id);
  for (const Task* task : session.course.tasks_of(day.id)) {
    seconds += session.progress.seconds_on(task->id);
  }
  return seconds;
}

// "0.4": rounded up, so that work is never nothing.
std::string as_hours(std::int64_t seconds) {
  constexpr std::int64_t kTenth = 360;
  const std::int64_t n_tenths = (seconds + kTenth - 1) / kTenth;
  return fmt::format("{:.1f}", static_cast<double>(n_tenths) / 10);
}

// "| 1.4 | RMSNorm | status | hours | ...": cells 3 and 4 are ours, the rest is the learner's.
std::string tracker_row(const std::string& line, const std::string& status,
                        const std::string& hours) {
  std::vector<std::string> cells;
  std::istringstream parts(line);
  for (std::string cell; std::getline(parts, cell, '|');) cells.push_back(cell);
  constexpr std::size_t kStatus = 3, kHours = 4;
  if (cells.size() <= kHours) return line;
  cells[kStatus] = fmt::format(" {} ", status);
  cells[kHours] = fmt::format(" {} ", hours);
  std::string row;
  for (std::size_t i = 1; i < cells.size(); ++i) row += "|" + cells[i];
  return row + "|";
}

std::string totals(const Session& session) {
  std::int64_t seconds = 0;
  for (const Day& day : session.course.days) seconds += seconds_on(session, day);
  std::string text = fmt::format("- {}: {} of {} tasks green, {} hours of work\n", today(),
                                 session.n_green(), session.course.tasks.size(), as_hours(seconds));
  for (const EarScore& score : session.progress.ear_scores()) {
    text += fmt::format("- ear, {}: {} of {} right\n", score.date, score.right, score.rounds);
  }
  return text;
}

}  // namespace

fs::path open_session_page(const Session& session, const Day& day) {
  const std::string week = day.id.substr(0, day.id.find('.'));
  const fs::path page = session.paths.learner / fmt::format("sessions/week{}", week) /
                        fmt::format("{}-day-{}.md", today(), day.id);
  if (fs::exists(page)) return page;
  std::error_code error;
  fs::create_directories(page.parent_path(), error);
  std::string text = read_text_file(session.paths.root / "SESSION-TEMPLATE.md");
  replace_first(text, "DATE", today());
  replace_first(text, "DAY", fmt::format("{} {}", day.id, day.title));
  write_file_atomic(page, text);
  return page;
}

void close_session_page(const Session& session, const Day& day, const fs::path& page,
                        const std::vector<PageQuestion>& questions,
                        const std::vector<std::string>& answers) {
  const std::string text = read_text_file(page);
  std::string part;
  for (const Task* task : session.course.tasks_of(day.id)) part += task_line(session, *task);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const std::string& question = questions[i].question;
    std::vector<std::string> kept = answers_in(text, question);
    if (i < answers.size() && !answers[i].empty()) kept.push_back(answers[i]);
    if (kept.empty() && i >= answers.size()) continue;
    if (kept.empty()) kept.emplace_back(kNotAnswered);
    part += question_line(question);
    for (const std::string& answer : kept) part += kAnswerMark + answer + "\n";
  }
  part += answers_to_others(text, questions);
  write_file_atomic(page, with_machine_part(text, part));
}

void update_tracker(const Session& session) {
  const fs::path file = own_tracker(session.paths);
  std::istringstream lines(read_text_file(file));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    for (const Day& day : session.course.days) {
      if (!line.starts_with("| " + day.id + " |")) continue;
      line = tracker_row(line, status_of(session, day), as_hours(seconds_on(session, day)));
      break;
    }
    text += line + "\n";
  }
  text = with_machine_part(text, totals(session));
  if (text != read_text_file(file)) write_file_atomic(file, text);
}

std::string progress_text(const Session& session) {
  const Style& style = session.style;
  std::string text =
      progress_line(style, session.n_green(), static_cast<int>(session.course.tasks.size()), 30) +
      "\n\n";
  for (const Day& day : session.course.days) {
    text += fmt::format("  {:<4} {:<52} {}\n", day.id, day.title,
                        day.has_lesson() ? status_of(session, day) : style.dim("no lesson yet"));
    for (const Task* task : session.course.tasks_of(day.id)) {
      text += style.dim("       " + task_line(session, *task).substr(2));
    }
  }
  return text + "\n" + totals(session) +
         fmt::format("The tracker, with room for what no tool can know: {}\n",
                     shown(session.paths, session.paths.learner / kTracker));
}

std::string context_json(const Session& session) {
  using nlohmann::ordered_json;
  const Progress& progress = session.progress;
  const Task* next = session.next_task();
  ordered_json context = {{"course_version", session.course.version},
                          {"date", today()},
                          {"tasks_green", session.n_green()},
                          {"tasks_total", session.course.tasks.size()}};
  if (next != nullptr) {
    context["task"] = {{"id", next->id},
                       {"day", next->day},
                       {"title", next->title},
                       {"file", "code/" + next->learner_file},
                       {"contract", "src/" + next->engine_header},
                       {"last_failure", progress.last_failure(next->id)},
                       {"checks", progress.n_checks(next->id)},
                       {"hints_shown", progress.hints_shown(next->id)},
                       {"hints_total", next->hints.size()},
                       {"minutes_stuck", progress.minutes_stuck(next->id)},
                       {"minutes_on", progress.seconds_on(next->id) / 60},
                       {"edited_since_check", session.verdict(*next) == Verdict::changed}};
  }
  context["green"] = ordered_json::array();
  for (const Task& task : session.course.tasks) {
    if (!session.is_green(task)) continue;
    context["green"].push_back({{"id", task.id},
                                {"solved_on", progress.solved_on(task.id)},
                                {"hints", progress.hints_shown(task.id)},
                                {"solution_read", progress.saw_solution(task.id)}});
  }
  return context.dump(2) + "\n";
}

}  // namespace tinyllm::learn
