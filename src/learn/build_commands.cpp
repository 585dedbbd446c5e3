#include "learn/build_commands.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/child_process.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_field.h"
#include "base/json_parse.h"

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

CompileCommand compile_command(const CoursePaths& paths, const std::string& engine_file) {
  const fs::path list = paths.build / "compile_commands.json";
  const nlohmann::json document = parse_json(read_text_file(list), list.filename());
  const std::string wanted = (paths.root / "src" / engine_file).string();
  for (const JsonField& entry : JsonField(document, list.filename()).elements()) {
    if (entry.member("file").string() != wanted) continue;
    CompileCommand command;
    command.directory = entry.member("directory").string();
    const std::vector<std::string> words = split_command(entry.member("command").string());
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "-o" && i + 1 < words.size()) {
        command.object = command.directory / words[++i];
      } else if (words[i] != "-c" && words[i] != wanted) {
        command.arguments.push_back(words[i]);
      }
    }
    return command;
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
