// tinyllm learn: the course. Everything is in learn/; here is its command line.

#include <CLI/App.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/first_chat.h"
#include "apps/options.h"
#include "base/error.h"
#include "base/file.h"
#include "learn/ear.h"
#include "learn/gates.h"
#include "learn/golden.h"
#include "learn/lesson_commands.h"
#include "learn/model_check.h"
#include "learn/mutant_runs.h"
#include "learn/test_process.h"
#include "learn/voice.h"

namespace tinyllm {
namespace {

using namespace learn;

constexpr const char* kCourseModel = "smollm2-135m";

struct LearnOptions {
  SessionOptions session;
  EarOptions ear;
  std::string word;
  bool all = false, as_json = false, as_junit = false;
  std::string golden, report;
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
  fail(ErrorCode::not_found, "there is no test of '{}' in course/tests", task_id);
}

// The small model that the course speaks with, where it is not here yet.
void fetch(const SessionOptions& session) {
  if (session.model == kCourseModel) pull_default_model(kCourseModel);
}

// Commands that the tool calls itself, in a process of their own: `learn run-tests`, ...
void add_inner_commands(CLI::App& learn, const std::shared_ptr<LearnOptions>& options) {
  const auto add = [&](const char* name) {
    CLI::App* command = learn.add_subcommand(name, "");
    command->group("");
    command->add_option("WORD", options->word)->required();
    command->add_option("GOLDEN", options->golden);
    command->add_option("REPORT", options->report);
    return command;
  };
  constexpr int kCpuSeconds = 20;
  add("run-tests")->callback([options] {
    limit_this_process(kCpuSeconds);
    run_lesson_test(find_lesson_test(options->word), options->golden, options->report);
  });
  add("run-model")->callback([options] {
    limit_this_process(kCpuSeconds);
    const ModelLogits logits = small_model_logits(options->word == "engine");
    const nlohmann::json answer = {{"reference", join_numbers(logits.reference)},
                                   {"engine", join_numbers(logits.engine)}};
    write_file_atomic(options->golden, answer.dump());
  });
  add("record")->callback([options] {
    const CoursePaths paths = find_course(options->session.folder);
    record_mutants(paths, require_task(read_course(paths), options->word));
  });
  add("run-voice")->callback([options] {
    run_voice(options->word, options->golden, options->report);
  });
  CLI::App* gates = learn.add_subcommand("gates", "");
  gates->group("");
  gates->add_option("--skeleton", options->skeletons, "TASK=FILE, instead of the course's own");
  gates->add_option("--solution", options->solutions, "TASK=FILE, instead of the course's own");
  gates->add_option("--only", options->word, "A task");
  gates->callback([options] {
    const PlantedTexts planted{planted_files(options->skeletons),
                               planted_files(options->solutions)};
    const int n_broken = run_gates(find_course(options->session.folder), planted, options->word);
    if (n_broken > 0) fail(ErrorCode::invalid_input, "{} findings against the gates", n_broken);
  });
}

}  // namespace

void add_learn_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "learn", "The course: write this engine's operators yourself, hear the model use them");
  const auto options = std::make_shared<LearnOptions>();
  command->add_option("--folder", options->session.folder,
                      "Where code/ and progress/ are (default: the repository)");
  command->add_flag("--plain", options->session.plain, "No colours, no keys, no cursor movement");

  CLI::App* check = command->add_subcommand("check", "Test a task, a day or everything");
  check->add_option("TASK", options->word, "A task's id, its file, or a day");
  check->add_flag("--all", options->all, "Every task");
  check->add_flag("--json", options->as_json, "Print JSON");
  check->add_flag("--junit", options->as_junit, "Print JUnit XML");
  check->callback([options] {
    run_check_command(options->session, {.word = options->word,
                                         .all = options->all,
                                         .explained = false,
                                         .as_json = options->as_json,
                                         .as_junit = options->as_junit});
  });
  CLI::App* explain =
      command->add_subcommand("explain", "What is wrong, where, and which known mistake it is");
  explain->add_option("TASK", options->word, "A task's id or its file");
  explain->callback([options] {
    run_check_command(options->session, {.word = options->word, .explained = true});
  });

  CLI::App* speak = command->add_subcommand("speak", "Hear the model with your operators");
  speak->add_option("PROMPT", options->word, "What to ask it");
  speak->add_option("-m,--model", options->session.model, "The model")->capture_default_str();
  speak->callback([options] {
    fetch(options->session);
    run_speak_command(options->session, options->word);
  });

  CLI::App* ear = command->add_subcommand("ear", "Name that bug: hear which operator is broken");
  ear->add_option("--rounds", options->ear.rounds, "How many")->capture_default_str();
  ear->add_option("--seed", options->ear.seed, "The same rounds again");
  ear->add_option("-m,--model", options->session.model, "The model")->capture_default_str();
  ear->callback([options] {
    fetch(options->session);
    run_ear(options->session, options->ear);
  });
  add_inner_commands(*command, options);
}

}  // namespace tinyllm
