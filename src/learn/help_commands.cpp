#include "learn/help_commands.h"

#include <fmt/format.h>

#include <iostream>
#include <optional>

#include "base/child_process.h"
#include "base/error.h"
#include "base/file.h"
#include "learn/build_commands.h"
#include "learn/day_page.h"
#include "learn/lesson_page.h"
#include "learn/lesson_text.h"
#include "learn/marked_region.h"
#include "learn/object_symbols.h"
#include "learn/scratch_lock.h"
#include "learn/terminal_child.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

bool has_program(const std::string& name) {
  return run_child({"sh", "-c", "command -v " + name}, {}, [](std::string_view) {
           return true;
         }).exit_code == 0;
}

// "tinyllm::scalar::rms_norm" of "rms_norm": how the engine's own object calls it.
std::string full_name(const CoursePaths& paths, const Task& task, const std::string& function) {
  for (const std::string& symbol :
       defined_symbols(compile_command(paths, task.engine_file).object)) {
    if (bare_name(symbol) == function) return std::string(qualified_name(symbol));
  }
  return function;
}

void say_hint(const Session& session, const Task& task, std::size_t index) {
  const std::string head = fmt::format("hint {} of {}: ", index + 1, task.hints.size());
  say("  " + session.style.yellow(head) +
      wrap(task.hints[index], session.style.width - 4 - static_cast<int>(head.size()), "    ") +
      "\n");
}

}  // namespace

const Task& task_meant(const Session& session, const std::string& word) {
  if (!word.empty()) return require_task(session.course, word);
  const Task* next = session.next_task();
  return next != nullptr ? *next : session.course.tasks.back();
}

void show_hint(Session& session, const Task& task) {
  const auto shown_before = static_cast<std::size_t>(session.progress.hints_shown(task.id));
  if (shown_before < task.hints.size()) {
    say_hint(session, task, shown_before);
    session.note([&](Progress& now) { now.note_hint(task.id); });
    return;
  }
  for (std::size_t i = 0; i < task.hints.size(); ++i) say_hint(session, task, i);
  say(fmt::format("  These were all. './tiny learn solution {}' shows the engine's own.\n",
                  task.id));
}

void show_solution(Session& session, const Task& task, bool yes) {
  const auto shown_hints = static_cast<std::size_t>(session.progress.hints_shown(task.id));
  if (!session.progress.is_green(task.id)) {  // once green: an edit since then takes nothing away
    if (shown_hints < task.hints.size()) {
      fail(ErrorCode::usage,
           "{}: {} of {} hints were shown; take those first ('./tiny learn hint {}')", task.id,
           shown_hints, task.hints.size(), task.id);
    }
    if (!yes) {
      say("Read it, close it, and write it from memory: that is how it becomes yours. Show it? "
          "[y/N] ");
      std::string answer;
      if (!std::getline(std::cin, answer) || (answer != "y" && answer != "Y")) return;
    }
    session.note([&](Progress& now) { now.note_solution(task.id); });
  }
  say(session.style.dim("src/" + task.engine_file) + "\n\n" +
      make_solution(read_text_file(session.paths.root / "src" / task.engine_file), task.id));
}

void debug_task(Session& session, const Task& task, bool only_build) {
  const fs::path source = session.paths.code() / task.learner_file;
  std::optional<ScratchLock> lock(session.paths);
  say(session.style.dim("building for the debugger ...\n"));
  CheckOptions options;
  options.name = "check-" + task.id;
  options.with_model = false;
  const CheckResult result = check_task(session.paths, task, options);
  const BuiltObject built = build_object(session.paths, task, source, BuildKind::debug);
  if (!built)
    fail(ErrorCode::invalid_input, "it does not compile yet; './tiny learn check {}'", task.id);
  const fs::path binary = link_binary(session.paths, {built.object}, {task.engine_file},
                                      "debug-" + task.id, BuildKind::debug);
  lock.reset();
  if (only_build) return;
  const std::string function =
      full_name(session.paths, task,
                result.failure.function.empty() ? task.functions.front() : result.failure.function);
  const std::vector<std::string> arguments = {binary.string(),
                                              "learn",
                                              "run-tests",
                                              task.id,
                                              task.golden().string(),
                                              (session.paths.scratch() / "debug.report").string(),
                                              result.failure.case_name};
  std::vector<std::string> command;
  if (has_program("gdb")) {
    command = {"gdb", "-q",  "-ex",   "set breakpoint pending on", "-ex", "break " + function,
               "-ex", "run", "--args"};
  } else if (has_program("lldb") || has_program("lldb-16")) {
    command = {has_program("lldb") ? "lldb" : "lldb-16",
               "-o",
               "breakpoint set -n " + function,
               "-o",
               "run",
               "--"};
  } else {
    fail(ErrorCode::not_found,
         "there is neither gdb nor lldb; install one: sudo apt-get install gdb");
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  say(fmt::format("{}{}\n", session.style.dim("case: "),
                  result.failure.case_name.empty() ? "the first" : result.failure.case_name));
  run_on_terminal(command);
}

void read_lesson(Session& session, const Day& day, bool browser, const std::string& task_id) {
  const std::string markdown = day_markdown(session.course, day);
  session.note([&](Progress& now) { now.note_read(day.id); });
  if (!browser) {
    const std::string heading = "(" + task_id + ")";
    const bool has_heading = !task_id.empty() && markdown.find(heading) != markdown.npos;
    show_in_pager(as_terminal_text(markdown, session.style), session.options.plain,
                  has_heading ? heading : "");
    return;
  }
  const fs::path page = session.paths.scratch() / ("lesson-" + day.id + ".html");
  std::error_code error;
  fs::create_directories(page.parent_path(), error);
  write_file_atomic(page, as_html(markdown, day.folder, day.id + " " + day.title));
  const bool opened = has_program("xdg-open") && run_on_terminal({"xdg-open", page.string()}) == 0;
  say((opened ? "opened " : "open this page in your browser: ") + page.string() + "\n");
}

}  // namespace tinyllm::learn
