#pragma once
// What the course holds: its days (course/course.toml), its tasks (course/tasks/ID/, one folder each,
// found there) and their known mistakes. Plain data; any thread may read.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "learn/course_paths.h"

namespace tinyllm::learn {

// The levels of a check, in their order; the first that fails ends it.
enum class Level { build, contract, values, property, model };
inline constexpr const char* kLevelNames[] = {"build", "contract", "values", "property", "model"};

// Which models run a task's operator when one speaks with it.
enum class RunsIn {
  engine,     // the batched engine, and the reference path
  reference,  // the reference path only
  tests,      // none: only its tests call it
};

// A known wrong variant of an engine file: one place of the file, replaced.
struct Mutant {
  std::string id;
  std::string engine_file;         // "kernels/cpu/scalar/rms_norm.cpp", below src/; the task's own
  std::string replace, with;       // `replace` stands in the file exactly once
  std::string sentence;            // what is wrong: "eps is added outside of the root"
  std::string question;            // what to ask a learner who made it
  std::optional<bool> audible;     // heard when SmolLM2 speaks with it; empty: not noted yet
  std::string lesson;              // the day that prevents it
  std::vector<std::string> near;   // for `learn ear`: ids of bugs that one may take it for
  std::vector<std::string> cases;  // recorded in these cases only; empty: in all
};

struct Task {
  std::string id;  // "norm.rms", its folder's name; never a number, so that days may move
  std::filesystem::path folder;            // course/tasks/norm.rms
  std::string day;                         // "1.4"
  std::int64_t place = 0;                  // within the day, from 1
  std::string title;                       // "RMSNorm"
  std::vector<Level> levels;               // of a check
  std::string engine_file, engine_header;  // below src/; the file ends as the learner's does
  std::string learner_file;                // below code/: "week1/rms_norm.cpp", or a .cu file
  std::vector<std::string> functions;      // as a person says them: "rms_norm"
  // The class whose members the file defines: "tinyllm::BlockPool". Empty: free functions.
  std::string class_name;
  RunsIn runs_in = RunsIn::tests;
  std::string kernel;  // TINYLLM_KERNELS entry that lets the engine call it; may be empty
  std::int64_t contract = 1;
  std::vector<std::string> contract_changes;  // entry i: what version i + 2 changed
  std::vector<std::string> hints;
  std::int64_t minutes = 0;
  std::string prompt;  // what `learn speak` asks
  // Compiled without reassociation, and without vector code that the file does not spell out: its
  // subject is the order of additions, or speed.
  bool as_written = false;
  bool is_cuda() const { return learner_file.ends_with(".cu"); }
  bool has_level(Level level) const;
  // The recorded cases, and another correct implementation.
  std::filesystem::path golden() const { return folder / "golden.json"; }
  std::filesystem::path other_way() const;
};

struct Day {
  std::string id, title;
  std::filesystem::path folder;  // course/week1/1.4-rms-norm, found there; empty: no lesson yet
  bool has_lesson() const { return !folder.empty(); }
};

struct Course {
  std::int64_t version = 1;
  std::vector<Day> days;
  std::vector<Task> tasks;  // by day, then by place

  const Task* find_task(std::string_view id) const;  // nullptr when unknown
  const Day* find_day(std::string_view id) const;
  std::vector<const Task*> tasks_of(std::string_view day) const;
};

// Throws Error{invalid_input | not_found} that names file and field.
Course read_course(const CoursePaths& paths);

// The task's mutants.toml; empty when it has none.
std::vector<Mutant> read_mutants(const Task& task);
// course/ear.toml: the bank of `learn ear`.
std::vector<Mutant> read_ear(const CoursePaths& paths);

// The text of the mutant's engine file with its place replaced. Throws Error{invalid_input} when
// `replace` does not stand there exactly once.
std::string mutated_source(const CoursePaths& paths, const Mutant& mutant);

// The task that a person means: its id, or its learner file's name.
// Throws Error{usage} that lists the ids.
const Task& require_task(const Course& course, const std::string& word);

}  // namespace tinyllm::learn
