#include "learn/mutant_runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "learn/screen.h"
#include "learn/voice.h"

namespace tinyllm::learn {
namespace {

bool mutant_records(const CoursePaths& paths, const Task& task, const std::string& mutant_id,
                    const std::string& case_name) {
  for (const Mutant& mutant : read_mutants(paths, task.id)) {
    if (mutant.id != mutant_id || mutant.cases.empty()) continue;
    return std::ranges::find(mutant.cases, case_name) != mutant.cases.end();
  }
  return true;
}

}  // namespace

std::vector<MutantRun> run_mutants(const CoursePaths& paths, const Task& task) {
  std::vector<MutantRun> runs;
  for (const Mutant& mutant : read_mutants(paths, task.id)) {
    CheckOptions options;
    options.engine_text = mutated_source(paths, mutant);
    options.name = fmt::format("mutant-{}-{}", task.id, mutant.id);
    options.hang_s = 3;
    MutantRun run{task.id, mutant.id, check_task(paths, task, options), ""};
    run.named = run.result.failure.mutant;
    runs.push_back(std::move(run));
  }
  return runs;
}

void record_mutants(const CoursePaths& paths, const Task& task) {
  std::map<std::string, CaseAnswers> recorded;
  for (MutantRun& run : run_mutants(paths, task)) {
    // One that crashes or hangs in a case leaves no answers there: it has no numbers to be known
    // by.
    for (auto& [name, answers] : run.result.answers) {
      if (mutant_records(paths, task, run.mutant_id, name)) {
        recorded[run.mutant_id][name] = std::move(answers);
      }
    }
  }
  write_recorded_mutants(paths, task.id, recorded);
}

void hear_mutants(const CoursePaths& paths, const Task& task, const std::string& model) {
  for (const Mutant& mutant : read_mutants(paths, task.id)) {
    const auto object = build_engine_file(paths, mutant.engine_file, mutated_source(paths, mutant),
                                          "hear-" + mutant.id);
    const auto binary = link_binary(paths, {object}, {mutant.engine_file}, "hear");
    const Voice voice = speak(
        binary, model, task.prompt, [](double) {}, [](std::string_view) {});
    const bool audible = !voice.broken.empty() || compare_with_engine(model, voice).parted;
    say(fmt::format("{:<20} audible = {}{}  {}\n", mutant.id, audible,
                    audible == mutant.audible ? "" : "  (the course says otherwise)",
                    voice.broken.empty() ? voice.text : voice.broken));
  }
}

}  // namespace tinyllm::learn
