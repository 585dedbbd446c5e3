#include "learn/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_parse.h"
#include "learn/explain.h"
#include "learn/marked_region.h"
#include "learn/model_check.h"
#include "learn/sanitizer_words.h"
#include "learn/scratch_lock.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

struct ReportLine {
  std::string name, status, message;
  bool is_property = false;
  AnswersByName answers;
};

struct Report {
  std::vector<std::string> plan;  // every case and property that was to run
  std::vector<ReportLine> lines;
  std::string open;  // what began and did not end: there it crashed
  bool open_is_property = false;
  // Whether all ran: code that leaves the program early, with whatever exit code, is not green.
  bool is_complete() const { return !plan.empty() && lines.size() == plan.size(); }
  // Where it was when it ended, in words.
  std::string where() const {
    if (is_complete()) return "after the last test";
    return open.empty() ? "before the first case" : fmt::format("in '{}'", open);
  }
};

Report read_report(const fs::path& path) {
  Report report;
  if (!fs::exists(path)) return report;
  std::istringstream text(read_text_file(path));
  for (std::string raw; std::getline(text, raw);) {
    const nlohmann::json line = parse_json(raw, path.filename());
    if (line.contains("plan")) {
      report.plan = line["plan"].get<std::vector<std::string>>();
      continue;
    }
    if (line.contains("begin")) {
      report.open = line["begin"];
      report.open_is_property = line.value("of_property", false);
      continue;
    }
    ReportLine read;
    read.is_property = line.contains("property");
    read.name = line[read.is_property ? "property" : "name"];
    read.status = line["status"];
    read.message = line.value("message", "");
    if (line.contains("answers")) {
      for (const auto& [name, values] : line["answers"].items()) {
        read.answers[name] = split_answer(values.get<std::string>());
      }
    }
    report.lines.push_back(std::move(read));
    report.open.clear();
  }
  return report;
}

struct Run {
  ChildResult child;
  Report report;
  bool hung = false;
};

Run run_tests(const Task& task, const fs::path& binary, const CheckOptions& options) {
  const fs::path report = binary.string() + ".report";
  fs::remove(report);
  std::vector<std::string> arguments = {
      binary.string(), "learn", "run-tests", task.id, task.golden().string(), report.string()};
  std::vector<std::pair<std::string, std::string>> environment;
  if (options.build_kind == BuildKind::address) {
    environment = {{"TINYLLM_LESSON_EXACT", "1"},
                   {"ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0:detect_container_overflow=0"},
                   {"UBSAN_OPTIONS", "print_stacktrace=1"}};
  }
  if (task.is_cuda()) environment.emplace_back("TINYLLM_LESSON_DEVICE", "1");
  Run run;
  const Stopwatch clock;
  run.child = run_child(arguments, environment, [&](std::string_view) {
    run.hung = clock.seconds() > options.hang_s;
    return !run.hung;
  });
  run.hung = run.hung || run.child.signal == SIGXCPU;
  run.report = read_report(report);
  return run;
}

// The same file under AddressSanitizer: "" when it finds nothing there.
std::string sanitizer_says(const CoursePaths& paths, const Task& task, CheckOptions options) {
  if (!options.engine_text.empty() || task.is_cuda()) return "";
  const fs::path source =
      options.source.empty() ? paths.code() / task.learner_file : options.source;
  options.build_kind = BuildKind::address;
  const BuiltObject object = build_object(paths, task, source, BuildKind::address);
  if (!object) return "";
  const fs::path binary = link_binary(paths, {object.object}, {task.engine_file},
                                      options.name + "-asan", BuildKind::address);
  const Run run = run_tests(task, binary, options);
  return shorten_sanitizer(run.child.output, source.string(), shown(paths, source));
}

const GoldenCase* find_case(const std::vector<GoldenCase>& golden, const std::string& name) {
  for (const GoldenCase& one : golden) {
    if (one.given.name() == name) return &one;
  }
  return nullptr;
}

// Another function of the task may be wrong in another way, or not be written yet.
std::vector<GoldenCase> of_function(std::vector<GoldenCase> golden, const std::string& function) {
  std::erase_if(golden, [&](const GoldenCase& one) { return one.given.function() != function; });
  return golden;
}

// What the driver puts there, on Linux and under WSL.
bool has_cuda_device() { return fs::exists("/dev/nvidiactl") || fs::exists("/dev/dxg"); }

// Line of the first placeholder, from 1.
int todo_line(const std::string& text) {
  const std::size_t at = text.find("LESSON_TODO(");
  return at == text.npos
             ? 0
             : 1 + static_cast<int>(std::count(
                       text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

void fail_level(CheckResult& result, Level level, std::string kind, std::string title,
                std::string text) {
  result.outcome = Outcome::red;
  result.failure.level = level;
  result.failure.kind = std::move(kind);
  result.failure.title = std::move(title);
  result.failure.text = std::move(text);
}

// The process did not reach its end: a crash, a hang, or an end that nobody asked for.
void judge_broken_run(const CoursePaths& paths, const Task& task, const CheckOptions& options,
                      const Run& run, CheckResult& result) {
  const std::string where = run.report.where();
  const Level level = run.report.open_is_property ? Level::property : Level::values;
  result.failure.case_name = run.report.open;
  if (run.hung) {
    fail_level(result, level, "hang",
               fmt::format("{}: no answer after {:.0f} s, stopped: does a loop never end?", where,
                           options.hang_s),
               "");
    return;
  }
  const std::string cause = sanitizer_says(paths, task, options);
  if (run.child.signal > 0) {
    fail_level(result, level, "crash",
               fmt::format("{}: your code crashed ({})", where, strsignal(run.child.signal)),
               cause);
    return;
  }
  std::string left =
      fmt::format("{}: your code left the program (exit code {})", where, run.child.exit_code);
  if (!run.report.is_complete()) {
    left += fmt::format(", so {} of {} tests ran", run.report.lines.size(), run.report.plan.size());
  }
  fail_level(result, level, "left", left, cause);
}

void judge_values(const CoursePaths& paths, const Task& task, const CheckOptions& options,
                  const Report& report, CheckResult& result) {
  const std::vector<GoldenCase> golden = read_golden(task.golden());
  for (const ReportLine& line : report.lines) {
    if (!line.is_property && line.status == "ok") result.answers[line.name] = line.answers;
  }
  std::size_t n_right = 0;
  for (const ReportLine& line : report.lines) {
    const GoldenCase* given = line.is_property ? nullptr : find_case(golden, line.name);
    if (given == nullptr) continue;
    result.failure.case_name = line.name;
    result.failure.function = given->given.function();
    const std::string where = fmt::format("{}, case '{}'", given->given.function(), line.name);
    if (line.status == "threw" || line.status == "not_yet") {
      fail_level(result, Level::values, line.status,
                 line.status == "threw"
                     ? fmt::format("{}: your code threw: {}", where, line.message)
                     : fmt::format("{}: LESSON_TODO(\"{}\") was reached", where, line.message),
                 "");
      return;
    }
    if (line.status == "fault") {
      fail_level(result, Level::values, "stray_write", fmt::format("{}: {}", where, line.message),
                 "  given  " + given->shown + "\n" + sanitizer_says(paths, task, options));
      return;
    }
    for (const Wanted& wanted : given->wanted) {
      const auto got = line.answers.find(wanted.name);
      const Answer answer = got == line.answers.end() ? Answer() : got->second;
      const std::int64_t index = first_wrong(wanted, answer);
      if (index < 0) continue;
      const std::string words = describe_wrong(*given, wanted, answer, index);
      const std::size_t line_end = words.find('\n');
      fail_level(result, Level::values, "wrong",
                 fmt::format("{}: {}", where, words.substr(0, line_end)),
                 words.substr(line_end + 1));
      result.failure.mutant = known_mistake(of_function(golden, result.failure.function),
                                            read_recorded_mutants(task), result.answers);
      return;
    }
    n_right += 1;
  }
  result.failure.case_name.clear();
  result.failure.function.clear();
  result.outcome = Outcome::green;
  result.passed.push_back({Level::values, fmt::format("{} cases", n_right)});
}

void judge_properties(const Report& report, CheckResult& result) {
  std::size_t n_right = 0;
  for (const ReportLine& line : report.lines) {
    if (!line.is_property) continue;
    if (line.status != "ok") {
      result.failure.case_name = line.name;
      fail_level(result, Level::property, line.status == "not_yet" ? "not_yet" : "property",
                 fmt::format("{}: {}", line.name, line.message), "");
      return;
    }
    n_right += 1;
  }
  result.passed.push_back({Level::property, fmt::format("{} of them", n_right)});
}

void judge_model(const Task& task, const fs::path& binary, CheckResult& result) {
  if (!task.has_level(Level::model)) return;
  const bool with_engine = task.runs_in == RunsIn::engine;
  const std::string broken = model_difference(binary, task.kernel, with_engine);
  if (!broken.empty()) {
    fail_level(result, Level::model, "model", broken, "");
    return;
  }
  result.passed.push_back({Level::model, with_engine
                                             ? "a small Qwen2, reference path and batched engine"
                                             : "a small Qwen2, reference path"});
}

}  // namespace

std::string model_difference(const fs::path& binary, const std::string& kernels, bool with_engine) {
  const fs::path report = binary.string() + ".model";
  fs::remove(report);
  const Stopwatch clock;
  constexpr double kLimit = 30;
  const ChildResult child = run_child({binary.string(), "learn", "run-model",
                                       with_engine ? "engine" : "reference", report.string()},
                                      {{"TINYLLM_KERNELS", kernels}},
                                      [&](std::string_view) { return clock.seconds() < kLimit; });
  if (child.stopped) return "a small model did not answer within 30 s";
  if (child.signal != 0) {
    return fmt::format("a small model that computes with your code crashed ({})",
                       strsignal(child.signal));
  }
  if (child.exit_code != 0 || !fs::exists(report)) {
    return fmt::format(
        "a small model that computes with your code ended with exit code {} before it answered",
        child.exit_code);
  }
  const nlohmann::json found = parse_json(read_text_file(report), report.filename());
  return compare_logits(small_model_logits(with_engine),
                        {split_numbers(found["reference"].get<std::string>()),
                         split_numbers(found["engine"].get<std::string>())});
}

CheckResult run_task_tests(const CoursePaths& paths, const Task& task, const fs::path& binary,
                           const CheckOptions& options) {
  const std::string changed = unpinned_golden(task);
  if (!changed.empty()) {
    fail(ErrorCode::invalid_input,
         "course/tasks/{0}/{1}: not the file that was recorded; 'git restore course/tasks/{0}' "
         "brings it back (whoever writes the lesson: 'tinyllm learn record {0}')",
         task.id, changed);
  }
  CheckResult result;
  result.task_id = task.id;
  const Run run = run_tests(task, binary, options);
  result.printed = run.child.output;
  for (const ReportLine& line : run.report.lines) {
    result.statuses.emplace_back(line.name,
                                 line.status == "ok" ? "ok" : line.status + ": " + line.message);
  }
  if (run.hung || run.child.exit_code != 0 || !run.report.is_complete()) {
    // An answer that was wrong before the crash is the smaller mistake: it is told first.
    judge_values(paths, task, options, run.report, result);
    if (result.outcome == Outcome::green || result.failure.kind.empty()) {
      result.passed.clear();
      judge_broken_run(paths, task, options, run, result);
    }
    return result;
  }
  judge_values(paths, task, options, run.report, result);
  if (result.outcome == Outcome::green) judge_properties(run.report, result);
  if (result.outcome == Outcome::green && options.with_model) judge_model(task, binary, result);
  return result;
}

CheckResult check_task(const CoursePaths& paths, const Task& task, const CheckOptions& options) {
  const ScratchLock lock(paths);
  const Stopwatch clock;
  CheckResult result;
  result.task_id = task.id;
  const fs::path source =
      options.source.empty() ? paths.code() / task.learner_file : options.source;
  fs::path object;
  std::string text;
  if (!options.engine_text.empty()) {
    object = build_engine_file(paths, task.engine_file, options.engine_text, options.name);
  } else {
    if (!fs::exists(source)) return result;
    text = read_text_file(source);
    const BuiltObject built = build_object(paths, task, source, options.build_kind);
    if (!built) {
      const bool compiles = built.failure.kind == "contract";
      if (compiles) result.passed.push_back({Level::build, ""});
      fail_level(result, compiles ? Level::contract : Level::build, built.failure.kind,
                 compiles ? "your file compiles, but does not offer what the engine calls"
                 : built.failure.kind == "no_compiler" ? "your file cannot be compiled here"
                                                       : "your file does not compile",
                 built.failure.text);
      result.seconds = clock.seconds();
      return result;
    }
    object = built.object;
  }
  if (task.is_cuda() && !has_cuda_device()) {
    result.passed = {{Level::build, ""}, {Level::contract, ""}};
    fail_level(result, Level::values, "no_device",
               "your file compiles and offers what the engine calls; whether its numbers are right "
               "shows on a machine with an NVIDIA GPU, and there is none here",
               "");
    result.seconds = clock.seconds();
    return result;
  }
  const fs::path binary =
      link_binary(paths, {object}, {task.engine_file}, options.name, options.build_kind);
  CheckResult tested = run_task_tests(paths, task, binary, options);
  tested.passed.insert(tested.passed.begin(), {{Level::build, ""}, {Level::contract, ""}});
  if (tested.failure.kind == "not_yet" && has_todo(text)) {
    tested.outcome = Outcome::expected_red;
    const auto n_right = std::ranges::count_if(
        tested.statuses, [](const auto& status) { return status.second == "ok"; });
    tested.failure.title = n_right == 0 ? "" : fmt::format("{} cases are right already; ", n_right);
    tested.failure.title += fmt::format("{} line {}: LESSON_TODO(\"{}\") is still to be written",
                                        shown(paths, source), todo_line(text), task.id);
  }
  // It may read what is not its own: that gives a wrong number, and no crash.
  const bool has_numbers = tested.failure.kind == "wrong" || tested.failure.kind == "property";
  if (options.explained && has_numbers) {
    tested.failure.text += sanitizer_says(paths, task, options);
  }
  tested.seconds = clock.seconds();
  return tested;
}

}  // namespace tinyllm::learn
