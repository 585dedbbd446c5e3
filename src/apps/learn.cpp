// tinyllm learn: the course. Everything is in learn/; here is its command line.

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/first_chat.h"
#include "apps/options.h"
#include "base/error.h"
#include "base/file.h"
#include "learn/course_update.h"
#include "learn/ear.h"
#include "learn/gates.h"
#include "learn/golden.h"
#include "learn/help_commands.h"
#include "learn/journal.h"
#include "learn/lesson_commands.h"
#include "learn/list.h"
#include "learn/model_check.h"
#include "learn/mutant_runs.h"
#include "learn/test_process.h"
#include "learn/voice.h"

namespace tinyllm {
namespace {

using namespace learn;

struct LearnOptions {
  SessionOptions session;
  EarOptions ear;
  UpdateOptions update;
  GateChoice gates;
  std::string word;
  bool browser = false, yes = false, only_build = false;
  bool keep = false, all = false, as_json = false, as_junit = false;
  std::string golden, report, only;
  std::vector<std::string> skeletons, solutions;
};

// "TASK=FILE" to {TASK, the file's text}.
std::map<std::string, std::string> planted_files(const std::vector<std::string>& items) {
  std::map<std::string, std::string> texts;
  for (const std::string& item : items) {
    const std::size_t equals = item.find('=');
    if (equals == item.npos) fail(ErrorCode::usage, "'{}' is not TASK=FILE", item);
    texts[item.substr(0, equals)] = read_text_file(item.substr(equals + 1));
  }
  return texts;
}

const LessonTest& find_lesson_test(const std::string& task_id) {
  for (const LessonTest& test : lesson_tests()) {
    if (task_id == test.task_id) return test;
  }
  fail(ErrorCode::not_found, "there is no course/tasks/{}/test.cpp in this build", task_id);
}

// The small model that the course speaks with, where it is not here yet.
void fetch(const SessionOptions& session) {
  if (session.model == kDefaultModel) pull_default_model(kDefaultModel);
}

// For the loop, which needs the model only when somebody presses s.
void try_to_fetch(const SessionOptions& session) {
  try {
    fetch(session);
  } catch (const Error& error) {
    say_aside(std::string("note: ") + error.what() +
              "\n      The tests work without it; speak and ear do not.\n");
  }
}

// Commands that the tool calls itself, in a process of their own: `learn run-tests`, ...
void add_inner_commands(Command learn, const std::shared_ptr<LearnOptions>& options) {
  const auto add = [&](const char* name) {
    Command command = learn.add_subcommand(name, "");
    command.group("");
    command.add_option("WORD", options->word).required();
    command.add_option("GOLDEN", options->golden);
    command.add_option("REPORT", options->report);
    command.add_option("ONLY", options->only);
    return command;
  };
  constexpr int kCpuSeconds = 20;
  add("run-tests").callback([options] {
    limit_this_process(kCpuSeconds);
    run_lesson_test(find_lesson_test(options->word), options->golden, options->report,
                    options->only);
  });
  add("run-model").callback([options] {
    limit_this_process(kCpuSeconds);
    const ModelLogits logits = small_model_logits(options->word == "engine");
    const nlohmann::json answer = {{"reference", join_numbers(logits.reference)},
                                   {"engine", join_numbers(logits.engine)}};
    write_file_atomic(options->golden, answer.dump());
  });
  add("record").callback([options] {
    const CoursePaths paths = find_course(options->session.folder);
    record_mutants(paths, require_task(read_course(paths), options->word));
  });
  add("hear").callback([options] {
    const CoursePaths paths = find_course(options->session.folder);
    hear_mutants(paths, require_task(read_course(paths), options->word), options->session.model);
  });
  add("run-voice").callback([options] {
    run_voice(options->word, options->golden, options->report);
  });
  Command gates = learn.add_subcommand("gates", "");
  gates.group("");
  gates.add_option("--skeleton", options->skeletons, "TASK=FILE, instead of the course's own");
  gates.add_option("--solution", options->solutions, "TASK=FILE, instead of the course's own");
  gates.add_option("--only", options->gates.task, "A task");
  gates.add_option("--gate", options->gates.gates, "A gate: G3; again for another");
  gates.add_option("--mutant", options->gates.mutant, "A mutant of the task of --only, for G5");
  gates.callback([options] {
    const PlantedTexts planted{planted_files(options->skeletons),
                               planted_files(options->solutions)};
    const int n_broken = run_gates(find_course(options->session.folder), planted, options->gates);
    if (n_broken > 0) fail(ErrorCode::invalid_input, "{} findings against the gates", n_broken);
  });
}

void add_check_commands(Command learn, const std::shared_ptr<LearnOptions>& options) {
  Command check = learn.add_subcommand("check", "Test a task, a day or everything");
  check.add_option("TASK", options->word, "A task's id, its file, or a day (default: the next)");
  check.add_flag("--all", options->all, "Every task");
  check.add_flag("--json", options->as_json, "Print JSON");
  check.add_flag("--junit", options->as_junit, "Print JUnit XML");
  check.callback([options] {
    run_check_command(options->session, {.word = options->word,
                                         .all = options->all,
                                         .explained = false,
                                         .as_json = options->as_json,
                                         .as_junit = options->as_junit});
  });
  Command explain =
      learn.add_subcommand("explain", "What is wrong, where, and which known mistake it is");
  explain.add_option("TASK", options->word, "A task's id or its file (default: the next)");
  explain.add_flag("--keep", options->keep, "Copy a mistake that is unknown to notes/mistakes");
  explain.callback([options] {
    run_check_command(options->session,
                      {.word = options->word, .explained = true, .keep = options->keep});
  });
}

void add_help_commands(Command learn, const std::shared_ptr<LearnOptions>& options) {
  const auto add = [&](const char* name, const char* about) {
    Command command = learn.add_subcommand(name, about);
    command.add_option("TASK", options->word, "A task's id or its file (default: the next)");
    return command;
  };
  add("hint", "The next hint, from a question to a pseudo-step").callback([options] {
    Session session(options->session);
    show_hint(session, task_meant(session, options->word));
  });
  Command solution = add("solution", "The engine's own, after green or after all hints");
  solution.add_flag("-y,--yes", options->yes, "Do not ask");
  solution.callback([options] {
    Session session(options->session);
    show_solution(session, task_meant(session, options->word), options->yes);
  });
  Command debug = add("debug", "gdb at your function, on the first case that fails");
  debug.add_flag("--build", options->only_build, "Build only: an editor starts the debugger");
  debug.callback([options] {
    Session session(options->session);
    debug_task(session, task_meant(session, options->word), options->only_build);
  });
  Command read = learn.add_subcommand("read", "A day's lesson");
  read.add_option("DAY", options->word, "Default: the day of the next task");
  read.add_flag("--browser", options->browser, "As a page with pictures");
  read.callback([options] {
    Session session(options->session);
    const std::string id = options->word.empty() ? task_meant(session, "").day : options->word;
    const Day* day = session.course.find_day(id);
    if (day == nullptr)
      fail(ErrorCode::usage, "'{}' is not a day of the course; 'learn list' shows them", id);
    read_lesson(session, *day, options->browser);
  });
}

void add_journal_commands(Command learn, const std::shared_ptr<LearnOptions>& options) {
  Command day = learn.add_subcommand("day", "A day from lesson to tracker");
  day.add_option("DAY", options->word).required();
  day.callback([options] {
    try_to_fetch(options->session);
    run_day_command(options->session, options->word);
  });
  Command start = learn.add_subcommand("start", "Begin at any day of the course");
  start.add_option("DAY", options->word).required();
  start.callback([options] { run_start_command(options->session, options->word); });
  learn.add_subcommand("list", "Days and tasks, a line each").callback([options] {
    SessionOptions reading = options->session;
    reading.only_reads = true;
    learn::say(list_text(Session(reading)));
  });
  learn.add_subcommand("progress", "What is done; brings the tracker up to date")
      .callback([options] {
        const Session session(options->session);
        update_tracker(session);
        learn::say(progress_text(session));
      });
  learn.add_subcommand("context", "One JSON for a tutor").callback([options] {
    learn::say(context_json(Session(options->session)));
  });
  Command update = learn.add_subcommand("update", "A new version of the course, merged in");
  update.add_option("--from", options->update.remote, "Name of a git remote");
  update.add_flag("-y,--yes", options->update.yes, "Commit your work without asking");
  update.add_flag("--no-fetch", options->update.no_fetch, "Merge what 'git fetch' has brought");
  update.add_flag("--merged", options->update.merged, "").group("");
  update.callback([options] { run_update_command(options->session, options->update); });
}

void add_voice_commands(Command learn, const std::shared_ptr<LearnOptions>& options) {
  Command speak = learn.add_subcommand("speak", "Hear the model with your operators");
  speak.add_option("PROMPT", options->word, "What to ask it");
  speak.add_option("-m,--model", options->session.model, "The model").show_default();
  speak.callback([options] {
    fetch(options->session);
    run_speak_command(options->session, options->word);
  });
  Command ear = learn.add_subcommand("ear", "Name that bug: hear which operator is broken");
  ear.add_option("--rounds", options->ear.rounds, "How many").show_default();
  ear.add_option("--seed", options->ear.seed, "The same rounds again");
  ear.add_option("-m,--model", options->session.model, "The model").show_default();
  ear.callback([options] {
    fetch(options->session);
    run_ear(options->session, options->ear);
  });
}

}  // namespace

void add_learn_command(Command app) {
  Command command = app.add_subcommand(
      "learn", "The course: write this engine's operators yourself, hear the model use them");
  const auto options = std::make_shared<LearnOptions>();
  command.add_option("--folder", options->session.folder,
                     "Where code/ and progress/ are (default: the repository)");
  command.add_flag("--plain", options->session.plain, "No colours, no keys, no cursor movement");

  add_check_commands(command, options);
  add_help_commands(command, options);
  add_journal_commands(command, options);
  add_voice_commands(command, options);
  add_inner_commands(command, options);
  add_examples(command,
               "  tinyllm learn              the loop: save a file, see its test\n"
               "  tinyllm learn day 0.2      a day from its lesson to the tracker\n"
               "  tinyllm learn speak        hear the model with your operators\n"
               "  tinyllm chat --mine        the same in the batched engine");
  command.callback([command, options] {
    if (command.has_chosen_subcommand()) return;
    try_to_fetch(options->session);
    run_learn_command(options->session);
  });
}

}  // namespace tinyllm
