#include "learn/git_folder.h"

#include <array>
#include <cstdlib>
#include <sstream>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/error.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

constexpr double kLongestAnswer = 300;  // seconds; a fetch over a slow line

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// Several lines of git as one.
std::string in_one_line(const std::string& text) {
  std::string line;
  for (const std::string& part : split(text, '\n')) {
    const std::size_t begin = part.find_first_not_of(" \t");
    if (begin == part.npos) continue;
    line += (line.empty() ? "" : " ") + part.substr(begin);
  }
  constexpr std::size_t kMaxBytes = 400;
  return line.substr(0, kMaxBytes);
}

}  // namespace

GitAnswer GitFolder::ask(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {"git", "-C", folder_.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::pair<std::string, std::string>> environment = {
      {"LC_ALL", "C"}, {"GIT_TERMINAL_PROMPT", "0"}, {"GIT_EDITOR", "true"}};
  if (std::getenv("GIT_SSH_COMMAND") == nullptr) {
    environment.emplace_back("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
  }
  const Stopwatch clock;
  ChildResult done = run_child(command, environment,
                               [&](std::string_view) { return clock.seconds() < kLongestAnswer; });
  if (done.stopped) return {1, "git did not come to an end in 5 minutes"};
  if (done.output.ends_with('\n')) done.output.pop_back();
  return {done.exit_code, std::move(done.output)};
}

std::string GitFolder::must(const std::vector<std::string>& arguments) const {
  GitAnswer answer = ask(arguments);
  if (!answer.ok()) {
    fail(ErrorCode::io, "git {} refused: {}", arguments.front(), in_one_line(answer.text));
  }
  return std::move(answer.text);
}

bool GitFolder::is_repository() const {
  const GitAnswer top = ask({"rev-parse", "--show-toplevel"});
  std::error_code error;
  return top.ok() && fs::equivalent(top.text, folder_, error);
}

std::string GitFolder::branch() const {
  const GitAnswer head = ask({"symbolic-ref", "--quiet", "--short", "HEAD"});
  return head.ok() ? head.text : "";
}

bool GitFolder::is_merging() const {
  return ask({"rev-parse", "--quiet", "--verify", "MERGE_HEAD"}).ok();
}

bool GitFolder::has_remote(const std::string& name) const {
  return ask({"remote", "get-url", name}).ok();
}

std::vector<GitFolder::Change> GitFolder::changes() const {
  std::vector<Change> changes;
  // Each "XY path", ended by a zero byte, so that no name needs quotes.
  for (const std::string& line : split(
           must({"status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"}), '\0')) {
    changes.push_back({line.substr(3), line.starts_with("??")});
  }
  return changes;
}

std::vector<std::string> GitFolder::conflicts() const {
  return split(must({"diff", "--name-only", "--diff-filter=U", "-z"}), '\0');
}

void GitFolder::settle_as_ours(const std::string& file) const {
  // "base ours theirs<tab>file": names of temporary files at the top, "." where there is none.
  const std::string listed = must({"checkout-index", "--stage=all", "--temp", "--", file});
  const std::vector<std::string> temporary = split(listed.substr(0, listed.find('\t')), ' ');
  if (temporary.size() != 3) fail(ErrorCode::io, "git checkout-index answered '{}'", listed);
  const std::string &base = temporary[0], &ours = temporary[1], &theirs = temporary[2];
  if (ours == ".") {  // taken away here
    must({"rm", "--quiet", "--", file});
  } else {
    if (base != "." && theirs != ".") must({"merge-file", "--ours", ours, base, theirs});
    fs::copy_file(folder_ / ours, folder_ / file, fs::copy_options::overwrite_existing);
    must({"add", "--", file});
  }
  std::error_code error;
  for (const std::string& name : temporary) {
    if (name != ".") fs::remove(folder_ / name, error);
  }
}

}  // namespace tinyllm::learn
