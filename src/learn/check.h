#pragma once
// One task, checked: build, contract, values, property, model, in this order; the first level that
// fails ends it. The learner's code runs in a child process. One thread.

#include <string>
#include <vector>

#include "learn/golden.h"
#include "learn/learner_build.h"
#include "learn/manifest.h"

namespace tinyllm::learn {

enum class Outcome {
  green,
  expected_red,  // the file is still the skeleton: red for the right reason
  red,
  missing,  // there is no file
};

struct Failure {
  Level level = Level::build;
  // compile, no_compiler, contract, no_device, not_yet,
  // wrong, stray_write, threw, crash, left, hang, property, model
  std::string kind;
  std::string title;      // one line: what happened, where
  std::string text;       // more lines, for the terminal
  std::string case_name;  // values: the case
  std::string function;   // which function of the task
  std::string mutant;     // the known mistake that all wrong answers equal; "" none
};

struct LevelResult {
  Level level;
  std::string words;  // "7 cases"
};

struct CheckResult {
  std::string task_id;
  Outcome outcome = Outcome::missing;
  std::vector<LevelResult> passed;
  Failure failure;      // unless green
  double seconds = 0;   // from the call to the verdict
  CaseAnswers answers;  // everything that the code answered
  std::string printed;  // what the code wrote to stdout and stderr
  // Every case and property that ran: its name, and "ok" or "status: message".
  std::vector<std::pair<std::string, std::string>> statuses;
};

struct CheckOptions {
  bool with_model = true;
  BuildKind build_kind = BuildKind::fast;
  bool explained = false;        // somebody wants to know the cause: look longer
  double hang_s = 5;             // wall time that the learner's code gets
  std::filesystem::path source;  // instead of the learner's file
  std::string engine_text;       // or: a mutant's text of the engine's file
  std::string name = "check";    // of the binary in the scratch folder
};

CheckResult check_task(const CoursePaths& paths, const Task& task, const CheckOptions& options);

// The same with a binary that is there already.
CheckResult run_task_tests(const CoursePaths& paths, const Task& task,
                           const std::filesystem::path& binary, const CheckOptions& options);

// "" when a small model in this binary gives the logits of the engine's own operators, else a
// sentence. `kernels`: for TINYLLM_KERNELS.
std::string model_difference(const std::filesystem::path& binary, const std::string& kernels,
                             bool with_engine);

}  // namespace tinyllm::learn
