#include "learn/learner_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "learn/build_commands.h"
#include "learn/learner_build.h"
#include "learn/marked_region.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

void write_new(const CoursePaths& paths, const fs::path& path, const std::string& text,
               std::vector<std::string>& written) {
  if (fs::exists(path)) return;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  write_file_atomic(path, text);
  written.push_back(shown(paths, path));
}

// What clangd and others need to follow an include and to know the flags.
std::string compile_commands(const CoursePaths& paths, const Course& course) {
  ordered_json list = ordered_json::array();
  for (const Task& task : course.tasks) {
    if (!can_compile(paths, task.engine_file)) continue;
    const CompileCommand command = compile_command(paths, task.engine_file);
    const std::string file = (paths.code() / task.learner_file).string();
    ordered_json arguments = command.arguments;
    for (const std::string& flag : learner_flags(task)) arguments.push_back(flag);
    for (const std::string& word : {std::string("-c"), file}) arguments.push_back(word);
    list.push_back({{"directory", command.directory.string()},
                    {"file", file},
                    {"arguments", std::move(arguments)}});
  }
  return list.dump(1) + "\n";
}

// As an editor finds it: below the folder that it has open, so that the folder may be moved.
std::string in_workspace(const CoursePaths& paths, const fs::path& path) {
  const fs::path relative = path.lexically_relative(paths.learner);
  const bool is_inside = !relative.empty() && *relative.begin() != "..";
  return is_inside ? "${workspaceFolder}/" + relative.string() : path.string();
}

// For VS Code, a task of the course: "debug TASK" stops in its function, "build TASK" comes before.
struct EditorSettings {
  std::string launch, tasks;
};

EditorSettings editor_settings(const CoursePaths& paths, const Course& course) {
  ordered_json configurations = ordered_json::array(), builds = ordered_json::array();
  for (const Task& task : course.tasks) {
    const std::string build = "build " + task.id;
    const ordered_json arguments = {"learn", "run-tests", task.id,
                                    in_workspace(paths, task.golden()),
                                    in_workspace(paths, paths.scratch() / "debug.report")};
    configurations.push_back(
        {{"name", "debug " + task.id},
         {"type", "cppdbg"},
         {"request", "launch"},
         {"MIMode", "gdb"},
         {"preLaunchTask", build},
         {"program", in_workspace(paths, paths.scratch() / ("debug-" + task.id))},
         {"args", arguments},
         {"cwd", "${workspaceFolder}"}});
    builds.push_back(
        {{"label", build},
         {"type", "process"},
         {"command", in_workspace(paths, paths.build / "tinyllm")},
         {"args", {"learn", "--folder", "${workspaceFolder}", "debug", task.id, "--build"}}});
  }
  return {ordered_json{{"version", "0.2.0"}, {"configurations", configurations}}.dump(2) + "\n",
          ordered_json{{"version", "2.0.0"}, {"tasks", builds}}.dump(2) + "\n"};
}

// The goldens lay in course/golden/ID.json when an earlier version wrote the debugger's settings,
// which are the learner's since.
void follow_moved_goldens(const fs::path& launch, const Course& course) {
  if (!fs::exists(launch)) return;
  const std::string before = read_text_file(launch);
  std::string text = before;
  for (const Task& task : course.tasks) {
    const std::string old_place = fmt::format("course/golden/{}.json", task.id);
    const std::size_t at = text.find(old_place);
    if (at == text.npos) continue;
    text.replace(at, old_place.size(), fmt::format("course/tasks/{}/golden.json", task.id));
  }
  if (text != before) write_file_atomic(launch, text);
}

// notes/cards/rms-norm.md of week1/rms_norm.cpp.
fs::path card_file(const CoursePaths& paths, const Task& task) {
  std::string name = fs::path(task.learner_file).stem();
  std::ranges::replace(name, '_', '-');
  return paths.learner / "notes/cards" / (name + ".md");
}

}  // namespace

std::string skeleton_of(const CoursePaths& paths, const Task& task) {
  return make_skeleton(read_text_file(paths.root / "src" / task.engine_file), task.id);
}

std::vector<std::string> write_missing_files(const CoursePaths& paths, const Course& course,
                                             Progress& progress) {
  std::vector<std::string> written;
  for (const Task& task : course.tasks) {
    const fs::path file = paths.code() / task.learner_file;
    if (!fs::exists(file)) {
      const std::string skeleton = skeleton_of(paths, task);
      write_new(paths, file, skeleton, written);
      progress.note_file(task.id, task.contract, skeleton);
    } else if (progress.file_contract(task.id) == 0) {
      progress.note_file(task.id, task.contract, "");
    }
  }
  const fs::path commands = paths.code() / "compile_commands.json";
  const std::string text = compile_commands(paths, course);
  // Ours alone, never edited by hand: written whenever it is not what it should be.
  if (!fs::exists(commands) || read_text_file(commands) != text) write_file_atomic(commands, text);
  std::vector<std::string> quietly;
  for (const Task& task : course.tasks) {
    const fs::path card = task.folder / "card.md";
    if (fs::exists(card)) write_new(paths, card_file(paths, task), read_text_file(card), quietly);
  }
  follow_moved_goldens(paths.learner / ".vscode/launch.json", course);
  const EditorSettings settings = editor_settings(paths, course);
  write_new(paths, paths.learner / ".vscode/launch.json", settings.launch, quietly);
  write_new(paths, paths.learner / ".vscode/tasks.json", settings.tasks, quietly);
  if (progress.course_version() == 0) progress.note_course_version(course.version);
  return written;
}

std::vector<std::string> update_files(const CoursePaths& paths, const Course& course,
                                      Progress& progress) {
  std::vector<std::string> news;
  for (const Task& task : course.tasks) {
    const fs::path file = paths.code() / task.learner_file;
    const std::int64_t had = progress.file_contract(task.id);
    if (!fs::exists(file)) {
      news.push_back(fmt::format("new task {}: {}", task.id, task.title));
      continue;  // write_missing_files writes it
    }
    if (had == 0 || had >= task.contract) continue;
    for (std::int64_t version = had + 1; version <= task.contract; ++version) {
      const auto index = static_cast<std::size_t>(version - 2);
      news.push_back(fmt::format("{}: contract v{}: {}", task.id, version,
                                 index < task.contract_changes.size()
                                     ? task.contract_changes[index]
                                     : "see src/" + task.engine_header));
    }
    std::string skeleton;
    if (progress.is_untouched(task.id, read_text_file(file))) {
      skeleton = skeleton_of(paths, task);
      write_file_atomic(file, skeleton);
      news.push_back(fmt::format("{}: you had not begun, so the new skeleton is there now",
                                 shown(paths, file)));
    } else {
      news.push_back(fmt::format("{}: yours is kept as it is", shown(paths, file)));
    }
    progress.note_file(task.id, task.contract, skeleton);
  }
  if (progress.course_version() != course.version) {
    news.insert(news.begin(), fmt::format("the course is version {} now (yours was {})",
                                          course.version, progress.course_version()));
    progress.note_course_version(course.version);
  }
  const std::vector<std::string> written = write_missing_files(paths, course, progress);
  for (const std::string& file : written) news.push_back(file + ": written");
  return news;
}

FileState file_state(const CoursePaths& paths, const Task& task) {
  const fs::path file = paths.code() / task.learner_file;
  if (!fs::exists(file)) return FileState::missing;
  return has_todo(read_text_file(file)) ? FileState::todo : FileState::written;
}

}  // namespace tinyllm::learn
