#include "learn/build_commands.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/child_process.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_field.h"
#include "base/json_parse.h"
#include "learn/lines_of.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

// The link line of ninja's list of commands: ": && c++ ... -o tinyllm ... && :". Kept beside the
// build tree's own files until that tree changes.
std::string link_line(const CoursePaths& paths) {
  const fs::path kept = paths.build / "learn-link.txt";
  const fs::path tree = paths.build / "build.ninja";
  if (fs::exists(kept) && fs::last_write_time(kept) > fs::last_write_time(tree)) {
    return read_text_file(kept);
  }
  const ChildResult listed =
      run_child({"ninja", "-C", paths.build.string(), "-t", "commands", "-s", "tinyllm"}, {},
                [](std::string_view) { return true; });
  const std::size_t begin = listed.output.rfind(": && ");
  const std::size_t end = listed.output.find(" && :", begin == std::string::npos ? 0 : begin + 1);
  if (listed.exit_code != 0 || begin == std::string::npos || end == std::string::npos) {
    fail(ErrorCode::io, "cannot ask ninja how {} is linked: {}", paths.build.string(),
         listed.output.substr(0, 200));
  }
  const std::string line = listed.output.substr(begin + 5, end - begin - 5);
  write_file_atomic(kept, line);
  return line;
}

bool is_cuda(const std::string& engine_file) { return engine_file.ends_with(".cu"); }

// How nvcc makes the object of a .cu file; empty where the engine was built without it.
std::optional<std::string> cuda_line(const CoursePaths& paths, const std::string& engine_file) {
  const std::string object = "cuda/src/" + engine_file + ".o";  // as in cmake/Cuda.cmake
  const ChildResult listed =
      run_child({"ninja", "-C", paths.build.string(), "-t", "commands", "-s", object}, {},
                [](std::string_view) { return true; });
  if (listed.exit_code != 0) return std::nullopt;
  // "cd FOLDER && ... nvcc ... -c FILE -o OBJECT && ..."
  for (const std::string& line : lines_of(listed.output)) {
    const std::size_t begin = line.find(" && ");
    if (!line.starts_with("cd ") || begin == std::string::npos) continue;
    const std::size_t end = line.find(" && ", begin + 4);
    return line.substr(begin + 4, end == std::string::npos ? end : end - begin - 4);
  }
  return std::nullopt;
}

// A compiler's command line without what belongs to its one file: source, object, dependencies.
CompileCommand parsed(const fs::path& directory, const std::string& line,
                      const std::string& source) {
  CompileCommand command;
  command.directory = directory;
  const std::vector<std::string> words = split_command(line);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i] == "-o" && has_value) {
      command.object = directory / words[++i];
    } else if ((words[i] == "-MF" || words[i] == "-MT") && has_value) {
      ++i;
    } else if (words[i] != "-c" && words[i] != "-MD" && words[i] != source) {
      command.arguments.push_back(words[i]);
    }
  }
  return command;
}

}  // namespace

std::vector<std::string> split_command(const std::string& command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote != '\'' && c == '\\' && i + 1 < command.size()) {
      word += command[++i];
      in_word = true;
    } else if (quote != 0) {
      c == quote ? void(quote = 0) : void(word += c);
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (c == ' ') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (in_word) words.push_back(word);
  return words;
}

bool can_compile(const CoursePaths& paths, const std::string& engine_file) {
  return !is_cuda(engine_file) || cuda_line(paths, engine_file).has_value();
}

CompileCommand compile_command(const CoursePaths& paths, const std::string& engine_file) {
  const std::string source = (paths.root / "src" / engine_file).string();
  if (is_cuda(engine_file)) {
    const std::optional<std::string> line = cuda_line(paths, engine_file);
    if (line) return parsed(paths.build, *line, source);
    fail(ErrorCode::not_found, "{}: has no rule for src/{}", paths.build.string(), engine_file);
  }
  const fs::path list = paths.build / "compile_commands.json";
  const std::string text = read_text_file(list);
  std::string other_folder;
  // One entry of a thousand is wanted, and the gates ask a hundred times: only those are parsed that
  // name such a file.
  for (std::size_t at = text.find("/src/" + engine_file + "\""); at != text.npos;
       at = text.find("/src/" + engine_file + "\"", at + 1)) {
    const std::size_t begin = text.rfind('{', at), end = text.find('}', at);
    if (begin == text.npos || end == text.npos) break;
    const nlohmann::json document =
        parse_json(text.substr(begin, end + 1 - begin), list.filename().string());
    const JsonField entry(document, list.filename());
    const std::string& file = entry.member("file").string();
    if (file == source) {
      return parsed(entry.member("directory").string(), entry.member("command").string(), source);
    }
    if (file.ends_with("/src/" + engine_file)) other_folder = file;
  }
  if (!other_folder.empty()) {
    fail(ErrorCode::not_found,
         "{}: was made for {}, and this folder was moved or copied from there; './tiny learn' "
         "builds it anew",
         list.string(), other_folder.substr(0, other_folder.size() - engine_file.size() - 5));
  }
  fail(ErrorCode::not_found, "{}: does not know src/{}", list.string(), engine_file);
}

LinkCommand link_command(const CoursePaths& paths) {
  LinkCommand command;
  command.directory = paths.build;
  const std::vector<std::string> words = split_command(link_line(paths));
  bool in_front = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-o") {
      ++i;
      continue;
    }
    if (words[i].ends_with(".a")) in_front = false;
    (in_front ? command.before : command.after).push_back(words[i]);
  }
  return command;
}

}  // namespace tinyllm::learn
