#include "learn/gates.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "learn/build_commands.h"
#include "learn/check.h"
#include "learn/learner_files.h"
#include "learn/marked_region.h"
#include "learn/model_check.h"
#include "learn/mutant_runs.h"
#include "learn/object_symbols.h"
#include "learn/scratch_lock.h"
#include "learn/session.h"
#include "learn/voice.h"
#include "model_store/model_store.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

class Gates {
 public:
  Gates(const CoursePaths& paths, const PlantedTexts& planted)
      : paths_(paths), course_(read_course(paths)), planted_(planted) {}

  int run(const GateChoice& choice) {
    const auto wanted = [&](std::string_view gate) {
      return choice.gates.empty() || std::ranges::find(choice.gates, gate) != choice.gates.end();
    };
    choose_tasks(choice.task);
    if (wanted("G1") || wanted("G2") || wanted("G4")) {
      choice.task.empty() ? every_prefix() : red_for_the_right_reason();
    }
    if (wanted("G3")) {
      solutions_are_green(BuildKind::fast);
      solutions_are_green(BuildKind::address);
    }
    if (wanted("G12")) alternatives_are_green();
    if (choice.task.empty() && wanted("G9")) all_together();
    if (wanted("G5")) {
      say("\nG5: which test kills which mutant\n");
      for (const Task* task : tasks_) mutants_die(*task, choice.mutant);
    }
    say(n_broken_ == 0 ? "\nall gates hold\n"
                       : fmt::format("\n{} findings against the gates\n", n_broken_));
    return n_broken_;
  }

 private:
  void report(const char* gate, const std::string& what, bool holds, const std::string& why = "") {
    say(fmt::format("{:<4}{:<6}{}{}\n", gate, holds ? "ok" : "FAIL", what,
                    why.empty() ? "" : ": " + why));
    n_broken_ += holds ? 0 : 1;
  }

  // A text as a file of the scratch folder, compiled as a learner's.
  fs::path source(const Task& task, const std::string& kind, const std::string& text) {
    const std::string ending = fs::path(task.learner_file).extension();
    const fs::path file = paths_.scratch() / "gates" / (task.id + "." + kind + ending);
    fs::create_directories(file.parent_path());
    if (!fs::exists(file) || read_text_file(file) != text) write_file_atomic(file, text);
    return file;
  }
  fs::path skeleton(const Task& task) {
    const auto planted = planted_.skeletons.find(task.id);
    return source(
        task, "skeleton",
        planted == planted_.skeletons.end() ? skeleton_of(paths_, task) : planted->second);
  }
  fs::path solution(const Task& task) {
    const auto planted = planted_.solutions.find(task.id);
    const std::string engine = read_text_file(paths_.root / "src" / task.engine_file);
    return source(
        task, "solution",
        planted == planted_.solutions.end() ? make_solution(engine, task.id) : planted->second);
  }

  void choose_tasks(const std::string& id) {
    for (const Task& task : course_.tasks) {
      if (id.empty() || task.id == id) tasks_.push_back(&task);
    }
  }

  // One program for many tasks: a link costs more than all their tests.
  struct Program {
    fs::path binary;
    std::map<std::string, std::string> broken;  // by task: why its text does not compile
    bool holds(const Task& task) const { return !broken.contains(task.id); }
  };

  // The engine with `text_of` of each chosen task; where that does not compile, the engine's own.
  template <typename TextOf>
  Program program(const std::string& name, BuildKind kind, TextOf&& text_of) {
    const ScratchLock lock(paths_);
    Program made;
    std::vector<fs::path> objects;
    std::vector<std::string> files;
    for (const Task* task : tasks_) {
      const BuiltObject built = build_object(paths_, *task, text_of(*task), kind);
      if (built) {
        objects.push_back(built.object);
        files.push_back(task->engine_file);
      } else {
        made.broken[task->id] = built.failure.text;
      }
    }
    made.binary = link_binary(paths_, objects, files, "gate-" + name, kind);
    return made;
  }

  CheckResult run_tests(const Program& made, const Task& task, bool with_model,
                        BuildKind kind = BuildKind::fast) {
    CheckOptions options;
    options.build_kind = kind;
    options.with_model = with_model;
    options.source = solution(task);  // for the words of the sanitizer
    if (made.holds(task)) return run_task_tests(paths_, task, made.binary, options);
    CheckResult result;
    result.outcome = Outcome::red;
    result.failure.title = "it does not compile";
    result.failure.text = made.broken.at(task.id);
    return result;
  }

  static std::string why(const CheckResult& result) {
    return result.failure.title + (result.failure.text.empty() ? "" : "\n" + result.failure.text);
  }

  // What the file of a class defines beside its members nobody could replace.
  std::string strangers(const Task& task) {
    if (task.class_name.empty()) return "";
    std::string text;
    for (const std::string& symbol : strangers_to(
             defined_symbols(compile_command(paths_, task.engine_file).object), task.class_name)) {
      text += fmt::format(" src/{} defines {}, no member of {};", task.engine_file, symbol,
                          task.class_name);
    }
    return text;
  }

  // G1 and G2 of one task, whose skeleton is in this program.
  void skeleton_is_red(const Program& made, const Task& task) {
    if (const std::string broken = strangers(task); !broken.empty()) {
      report("G1", task.id + ": the engine's file holds the members of one class", false, broken);
    }
    report("G1", task.id + ": the skeleton compiles", made.holds(task),
           made.holds(task) ? "" : made.broken.at(task.id));
    if (!made.holds(task)) return;
    const CheckResult result = run_tests(made, task, false);
    std::string wrong;
    for (const auto& [name, status] : result.statuses) {
      if (status != "not_yet: " + task.id) wrong += fmt::format(" '{}' is {};", name, status);
    }
    if (result.statuses.empty()) wrong = " no test ran";
    report("G2", fmt::format("{}: {} tests are red with NotYet", task.id, result.statuses.size()),
           wrong.empty(), wrong);
  }

  void red_for_the_right_reason() {
    const Program made =
        program("skeletons", BuildKind::fast, [&](const Task& task) { return skeleton(task); });
    for (const Task* task : tasks_) skeleton_is_red(made, *task);
  }

  // The first `k` solutions, and skeletons for the rest.
  Program prefix(std::size_t k) {
    return program("prefix", BuildKind::fast, [&](const Task& task) {
      return &task < course_.tasks.data() + k ? solution(task) : skeleton(task);
    });
  }

  // Step k adds the k-th solution: its tests are green now, with skeletons behind it, and those of
  // the next task are red. That the earlier ones stay green was shown at their own step, with fewer
  // solutions, and is shown once more with all of them.
  void every_prefix() {
    const std::size_t n = course_.tasks.size();
    for (std::size_t k = 0; k <= n; ++k) {
      const Program made = prefix(k);
      std::string wrong;
      const auto want_green = [&](const Task& task) {
        const CheckResult result = run_tests(made, task, false);
        if (result.outcome != Outcome::green) {
          wrong += fmt::format(" {} is {};", task.id, why(result));
        }
      };
      for (std::size_t i = k == n || k == 0 ? 0 : k - 1; i < k; ++i) want_green(course_.tasks[i]);
      if (k < n) {
        const Task& next = course_.tasks[k];
        skeleton_is_red(made, next);
        const CheckResult result = run_tests(made, next, false);
        if (result.failure.kind != "not_yet") {
          wrong += fmt::format(" {} is {};", next.id, why(result));
        }
      }
      report("G4", fmt::format("{} solutions, then skeletons", k), wrong.empty(), wrong);
    }
  }

  void solutions_are_green(BuildKind kind) {
    const bool watched = kind == BuildKind::address;
    const Program made = program(watched ? "solutions-asan" : "solutions", kind,
                                 [&](const Task& task) { return solution(task); });
    for (const Task* task : tasks_) {
      const CheckResult result = run_tests(made, *task, !watched, kind);
      const bool green = result.outcome == Outcome::green;
      report("G3",
             task->id + (watched ? ": green under ASan and UBSan" : ": the solution is green"),
             green, green ? "" : why(result));
      if (watched || !green) continue;
      std::vector<Level> passed = {Level::build, Level::contract};
      for (const LevelResult& level : result.passed) passed.push_back(level.level);
      const bool equal = passed == task->levels;
      report("G3", task->id + ": its levels are those of task.toml", equal,
             equal ? ""
                   : fmt::format("it passes {}, task.toml names {}", passed.size(),
                                 task->levels.size()));
    }
  }

  void alternatives_are_green() {
    const auto has_one = [](const Task& task) { return fs::exists(task.other_way()); };
    const Program made = program("alternatives", BuildKind::fast, [&](const Task& task) {
      return has_one(task) ? task.other_way() : solution(task);
    });
    for (const Task* task : tasks_) {
      if (!has_one(*task)) {
        report("G12", fmt::format("{}: has no {}", task->id, shown(paths_, task->other_way())),
               false);
        continue;
      }
      const CheckResult result = run_tests(made, *task, true);
      const bool green = result.outcome == Outcome::green;
      report("G12", task->id + ": another way is green too", green, green ? "" : why(result));
    }
  }

  void all_together() {
    const Program made = prefix(course_.tasks.size());
    const fs::path binary = made.broken.empty() ? made.binary : fs::path();
    std::string kernels;
    for (const Task& task : course_.tasks) {
      if (!task.kernel.empty()) kernels += (kernels.empty() ? "" : ",") + task.kernel;
    }
    const std::string broken =
        binary.empty() ? "a file does not compile" : model_difference(binary, kernels, true);
    report("G9", "a small Qwen2 with all solutions together", broken.empty(), broken);
    if (!binary.empty()) real_model_speaks(binary);
  }

  // Token by token: what all solutions together say, and what the engine's own operators choose.
  void real_model_speaks(const fs::path& binary) {
    const std::string model = SessionOptions{}.model;
    if (!has_model(model)) {
      say("G9  LACKS " + model + ": run 'tinyllm pull " + model + "'\n");
      return;
    }
    const Voice voice = speak(
        binary, model, "Why is the sky blue?", [](double) {}, [](std::string_view) {});
    std::string broken = voice.broken;
    if (broken.empty()) {
      const VoiceComparison comparison = compare_with_engine(model, voice);
      if (comparison.parted) broken = describe(comparison, voice.token_ids.size());
    }
    report("G9", fmt::format("{} says {} tokens with all solutions", model, voice.token_ids.size()),
           broken.empty() && !voice.token_ids.empty(), broken);
  }

  static bool has_model(const std::string& model) {
    try {
      ModelStore().resolve(model);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  void mutants_die(const Task& task, const std::string& only) {
    const std::vector<MutantRun> runs = run_mutants(paths_, task, only);
    const bool enough = runs.size() >= 2 || !only.empty();
    report("G5", fmt::format("{}: {} mutants", task.id, runs.size()), enough,
           enough ? "" : "at least two are wanted");
    const std::string stale = stale_record(task, runs, only);
    report("G5", task.id + ": the recorded answers of mutants are those of today", stale.empty(),
           stale.empty() ? "" : stale + "; run 'tinyllm learn record " + task.id + "'");
    for (const MutantRun& run : runs) {
      const Failure& failure = run.result.failure;
      const bool dead = run.result.outcome == Outcome::red;
      const bool named = run.named == run.mutant_id;
      report("G5",
             fmt::format(
                 "  {:<20} {}", run.mutant_id,
                 dead ? fmt::format("killed by {} '{}', named {}",
                                    kLevelNames[static_cast<int>(failure.level)], failure.case_name,
                                    run.named.empty() ? "nothing" : run.named)
                      : "SURVIVES"),
             dead && named);
    }
  }

  const CoursePaths& paths_;
  Course course_;
  const PlantedTexts& planted_;
  std::vector<const Task*> tasks_;  // those of the choice
  int n_broken_ = 0;
};

}  // namespace

int run_gates(const CoursePaths& paths, const PlantedTexts& planted, const GateChoice& choice) {
  return Gates(paths, planted).run(choice);
}

}  // namespace tinyllm::learn
