#include "learn/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json_field.h"
#include "learn/toml_file.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> strings(const JsonField& list) {
  std::vector<std::string> texts;
  if (list.is_null()) return texts;
  for (const JsonField& element : list.elements()) texts.push_back(element.string());
  return texts;
}

RunsIn read_runs_in(const JsonField& field) {
  const std::string& word = field.string();
  if (word == "engine") return RunsIn::engine;
  if (word == "reference") return RunsIn::reference;
  if (word != "tests") field.refuse(ErrorCode::invalid_input, "engine, reference or tests");
  return RunsIn::tests;
}

std::vector<Level> read_levels(const JsonField& list) {
  std::vector<Level> levels;
  for (const JsonField& element : list.elements()) {
    const auto name = std::ranges::find(kLevelNames, element.string());
    const auto level = static_cast<Level>(name - std::begin(kLevelNames));
    if (name == std::end(kLevelNames) || (!levels.empty() && levels.back() >= level)) {
      element.refuse(ErrorCode::invalid_input,
                     "one of build, contract, values, property, model, in this order");
    }
    levels.push_back(level);
  }
  return levels;
}

Task read_task(const fs::path& folder) {
  const std::string name = folder.filename();
  const nlohmann::json document = read_toml_file(folder / "task.toml");
  const JsonField row(document, fmt::format("course/tasks/{}/task.toml", name));
  Task task;
  task.id = name;
  task.folder = folder;
  task.day = row.member("day").string();
  task.place = row.member("place").count();
  task.title = row.member("title").string();
  task.learner_file = row.member("learner_file").string();
  const std::string ending = fs::path(task.learner_file).extension();
  if (ending != ".cpp" && ending != ".cu") {
    row.member("learner_file").refuse(ErrorCode::invalid_input, "a .cpp or .cu file");
  }
  task.engine_file = row.member("engine_file").string() + ending;
  task.engine_header = row.member("engine_file").string() + ".h";
  task.functions = strings(row.member("functions"));
  task.class_name = row.member("class").string_or("");
  task.levels = read_levels(row.member("levels"));
  task.runs_in = read_runs_in(row.member("runs_in"));
  task.kernel = row.member("kernel").string_or("");
  task.contract = row.member("contract").count();
  task.contract_changes = strings(row.member("contract_changes"));
  task.hints = strings(row.member("hints"));
  task.minutes = row.member("minutes").count();
  task.as_written = row.member("as_written").boolean_or(false);
  task.prompt = row.member("prompt").string_or("Why is the sky blue?");
  return task;
}

// course/week1/1.4-rms-norm of the day 1.4; empty while the day has none.
fs::path folder_of_day(const fs::path& course, const std::string& id) {
  const fs::path week = course / ("week" + id.substr(0, id.find('.')));
  if (!fs::exists(week)) return {};
  for (const fs::directory_entry& entry : fs::directory_iterator(week)) {
    const bool is_its = entry.path().filename().string().starts_with(id + "-");
    if (is_its && fs::exists(entry.path() / "lesson.md")) return entry.path();
  }
  return {};
}

// Where a task stands in the course: its day's place among the days, then its own. Throws for a day
// that there is not.
std::pair<std::ptrdiff_t, std::int64_t> place_in(const Course& course, const Task& task) {
  const Day* day = course.find_day(task.day);
  if (day == nullptr) {
    fail(ErrorCode::invalid_input, "course/tasks/{}/task.toml: day is {}, which is not a day",
         task.id, task.day);
  }
  return {day - course.days.data(), task.place};
}

std::vector<Mutant> read_mutant_file(const fs::path& path, const std::string& engine_file) {
  std::vector<Mutant> mutants;
  if (!fs::exists(path)) return mutants;
  const nlohmann::json document = read_toml_file(path);
  for (const JsonField& row : JsonField(document, path.filename()).member("mutant").elements()) {
    Mutant mutant;
    mutant.id = row.member("id").string();
    mutant.engine_file = engine_file.empty() ? row.member("engine_file").string()
                                             : row.member("engine_file").string_or(engine_file);
    mutant.replace = row.member("replace").string();
    mutant.with = row.member("with").string();
    mutant.sentence = row.member("sentence").string();
    mutant.question = row.member("question").string_or("");
    const JsonField audible = row.member("audible");
    if (!audible.is_null()) mutant.audible = audible.boolean();
    mutant.lesson = row.member("lesson").string_or("");
    mutant.near = strings(row.member("near"));
    mutant.cases = strings(row.member("cases"));
    mutants.push_back(std::move(mutant));
  }
  return mutants;
}

}  // namespace

const Task* Course::find_task(std::string_view id) const {
  const auto found = std::ranges::find(tasks, id, &Task::id);
  return found == tasks.end() ? nullptr : &*found;
}

const Day* Course::find_day(std::string_view id) const {
  const auto found = std::ranges::find(days, id, &Day::id);
  return found == days.end() ? nullptr : &*found;
}

std::vector<const Task*> Course::tasks_of(std::string_view day) const {
  std::vector<const Task*> found;
  for (const Task& task : tasks) {
    if (task.day == day) found.push_back(&task);
  }
  return found;
}

bool Task::has_level(Level level) const { return std::ranges::find(levels, level) != levels.end(); }

fs::path Task::other_way() const {
  return folder / ("other" + fs::path(learner_file).extension().string());
}

Course read_course(const CoursePaths& paths) {
  const nlohmann::json document = read_toml_file(paths.course() / "course.toml");
  const JsonField root(document, "course/course.toml");
  Course course;
  course.version = root.member("version").count();
  for (const JsonField& row : root.member("day").elements()) {
    const std::string& id = row.member("id").string();
    course.days.push_back({id, row.member("title").string(), folder_of_day(paths.course(), id)});
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(paths.course() / "tasks")) {
    if (fs::exists(entry.path() / "task.toml")) course.tasks.push_back(read_task(entry.path()));
  }
  const auto place = [&](const Task& task) { return place_in(course, task); };
  std::ranges::sort(course.tasks, {}, place);
  const auto twin = std::ranges::adjacent_find(course.tasks, {}, place);
  if (twin != course.tasks.end()) {
    fail(ErrorCode::invalid_input, "course/tasks: {} and {} both have place {} of day {}", twin->id,
         std::next(twin)->id, twin->place, twin->day);
  }
  return course;
}

std::vector<Mutant> read_mutants(const Task& task) {
  return read_mutant_file(task.folder / "mutants.toml", task.engine_file);
}

std::vector<Mutant> read_ear(const CoursePaths& paths) {
  return read_mutant_file(paths.course() / "ear.toml", "");
}

std::string mutated_source(const CoursePaths& paths, const Mutant& mutant) {
  std::string text = read_text_file(paths.root / "src" / mutant.engine_file);
  const std::size_t at = text.find(mutant.replace);
  if (at == text.npos || text.find(mutant.replace, at + 1) != text.npos) {
    fail(ErrorCode::invalid_input, "mutant {}: src/{} must hold its `replace` text exactly once",
         mutant.id, mutant.engine_file);
  }
  return text.replace(at, mutant.replace.size(), mutant.with);
}

const Task& require_task(const Course& course, const std::string& word) {
  std::string ids;
  for (const Task& task : course.tasks) {
    if (word == task.id || word == task.learner_file ||
        word == fs::path(task.learner_file).filename() ||
        word == fs::path(task.learner_file).stem() || word == "code/" + task.learner_file) {
      return task;
    }
    ids += (ids.empty() ? "" : ", ") + task.id;
  }
  fail(ErrorCode::usage, "'{}' is not a task; the tasks are {}", word, ids);
}

}  // namespace tinyllm::learn
