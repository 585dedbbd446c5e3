#include "learn/mutant_runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "learn/explain.h"
#include "learn/screen.h"
#include "learn/voice.h"

namespace tinyllm::learn {
namespace {

bool mutant_records(const Task& task, const std::string& mutant_id, const std::string& case_name) {
  for (const Mutant& mutant : read_mutants(task)) {
    if (mutant.id != mutant_id || mutant.cases.empty()) continue;
    return std::ranges::find(mutant.cases, case_name) != mutant.cases.end();
  }
  return true;
}

// What the runs answered, as it is recorded. A mutant that crashes or hangs in a case leaves no
// answers there: it has no numbers to be known by.
std::map<std::string, CaseAnswers> answers_of(const Task& task,
                                              const std::vector<MutantRun>& runs) {
  std::map<std::string, CaseAnswers> recorded;
  for (const MutantRun& run : runs) {
    for (const auto& [name, answers] : run.result.answers) {
      if (mutant_records(task, run.mutant_id, name)) recorded[run.mutant_id][name] = answers;
    }
  }
  return recorded;
}

// Every case of `a` stands in `b` with the same numbers; else the name of one that does not.
std::string differing_case(const std::vector<GoldenCase>& golden, const CaseAnswers& a,
                           const CaseAnswers& b) {
  for (const auto& [name, arrays] : a) {
    const auto one = std::ranges::find(golden, name, [](auto& c) { return c.given.name(); });
    const auto other = b.find(name);
    if (one == golden.end() || other == b.end()) return name;
    for (const Wanted& wanted : one->wanted) {
      const auto x = arrays.find(wanted.name), y = other->second.find(wanted.name);
      if (x == arrays.end() || y == other->second.end()) return name;
      if (!same_answer(wanted, x->second, y->second)) return name;
    }
  }
  return "";
}

}  // namespace

std::vector<MutantRun> run_mutants(const CoursePaths& paths, const Task& task,
                                   const std::string& only) {
  std::vector<MutantRun> runs;
  for (const Mutant& mutant : read_mutants(task)) {
    if (!only.empty() && mutant.id != only) continue;
    CheckOptions options;
    options.engine_text = mutated_source(paths, mutant);
    options.name = fmt::format("mutant-{}-{}", task.id, mutant.id);
    options.hang_s = 3;
    MutantRun run{task.id, mutant.id, check_task(paths, task, options), ""};
    run.named = run.result.failure.mutant;
    runs.push_back(std::move(run));
  }
  if (runs.empty() && !only.empty()) fail(ErrorCode::usage, "{} has no mutant {}", task.id, only);
  return runs;
}

void record_mutants(const CoursePaths& paths, const Task& task) {
  pin_golden(task);  // checks refuse a golden that is not the pinned one
  write_recorded_mutants(task, answers_of(task, run_mutants(paths, task)));
  pin_golden(task);
}

std::string stale_record(const Task& task, const std::vector<MutantRun>& runs,
                         const std::string& only) {
  const std::vector<GoldenCase> golden = read_golden(task.golden());
  auto recorded = read_recorded_mutants(task);
  if (!only.empty()) std::erase_if(recorded, [&](const auto& one) { return one.first != only; });
  auto today = answers_of(task, runs);
  for (const auto& [mutant, answers] : recorded) {
    const std::string differs = differing_case(golden, answers, today[mutant]);
    if (!differs.empty()) return fmt::format("{} in case '{}'", mutant, differs);
  }
  for (const auto& [mutant, answers] : today) {
    const auto found = recorded.find(mutant);
    if (!answers.empty() && (found == recorded.end() || found->second.size() != answers.size())) {
      return fmt::format("{} has cases that are not recorded", mutant);
    }
  }
  return "";
}

void hear_mutants(const CoursePaths& paths, const Task& task, const std::string& model) {
  for (const Mutant& mutant : read_mutants(task)) {
    const auto object = build_engine_file(paths, mutant.engine_file, mutated_source(paths, mutant),
                                          "hear-" + mutant.id);
    const auto binary = link_binary(paths, {object}, {mutant.engine_file}, "hear");
    const Voice voice = speak(
        binary, model, task.prompt, [](double) {}, [](std::string_view) {});
    const bool audible = !voice.broken.empty() || compare_with_engine(model, voice).parted;
    const char* remark = !mutant.audible              ? "  (not noted yet)"
                         : audible == *mutant.audible ? ""
                                                      : "  (the course says otherwise)";
    say(fmt::format("{:<20} audible = {}{}  {}\n", mutant.id, audible, remark,
                    voice.broken.empty() ? voice.text : voice.broken));
  }
}

}  // namespace tinyllm::learn
