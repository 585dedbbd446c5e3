#include "learn/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

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

Task read_task(const JsonField& row) {
  Task task;
  task.id = row.member("id").string();
  task.day = row.member("day").string();
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
  task.runs_in = read_runs_in(row.member("runs_in"));
  task.kernel = row.member("kernel").string_or("");
  task.contract = row.member("contract").count();
  task.contract_changes = strings(row.member("contract_changes"));
  task.needs = strings(row.member("needs"));
  task.hints = strings(row.member("hints"));
  task.minutes = row.member("minutes").count();
  task.as_written = row.member("as_written").boolean_or(false);
  task.prompt = row.member("prompt").string_or("Why is the sky blue?");
  return task;
}

Day read_day(const JsonField& row) {
  Day day;
  day.id = row.member("id").string();
  day.title = row.member("title").string();
  day.folder = row.member("folder").string_or("");
  day.topic_of_week = "week " + day.id.substr(0, day.id.find('.'));
  day.questions = strings(row.member("questions"));
  return day;
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

Course read_course(const CoursePaths& paths) {
  const fs::path path = paths.course() / "course.toml";
  const nlohmann::json document = read_toml_file(path);
  const JsonField root(document, "course/course.toml");
  Course course;
  course.version = root.member("version").count();
  for (const JsonField& row : root.member("day").elements()) course.days.push_back(read_day(row));
  for (const JsonField& row : root.member("task").elements()) {
    course.tasks.push_back(read_task(row));
    const Task& task = course.tasks.back();
    if (course.find_day(task.day) == nullptr) {
      fail(ErrorCode::invalid_input, "course/course.toml: task {} is of day {}, which is not a day",
           task.id, task.day);
    }
  }
  return course;
}

std::vector<Mutant> read_mutants(const CoursePaths& paths, const std::string& id) {
  const fs::path path = paths.course() / "mutants" / (id + ".toml");
  std::vector<Mutant> mutants;
  if (!fs::exists(path)) return mutants;
  const nlohmann::json document = read_toml_file(path);
  for (const JsonField& row : JsonField(document, path.filename()).member("mutant").elements()) {
    Mutant mutant;
    mutant.id = row.member("id").string();
    mutant.engine_file = row.member("engine_file").string();
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
