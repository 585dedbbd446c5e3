#include "apps/running_programs.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>

#include "apps/first_chat.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The words of a command line, which /proc separates by zeros.
std::vector<std::string> words_of(const std::string& command_line) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < command_line.size();) {
    const std::size_t end = std::min(command_line.find('\0', begin), command_line.size());
    words.push_back(command_line.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// The value of "--name VALUE" or "--name=VALUE".
std::string value_of(const std::vector<std::string>& words, std::string_view name,
                     std::string_view letter = "") {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_it = words[i] == name || (!letter.empty() && words[i] == letter);
    if (is_it && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(std::string(name) + "=")) return words[i].substr(name.size() + 1);
  }
  return "";
}

// Seconds since its start: field 22 of /proc/PID/stat, in ticks since the machine's.
double age_of(const fs::path& process) {
  const std::string stat = content_of(process / "stat");
  std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  double up = 0;
  std::istringstream(content_of("/proc/uptime")) >> up;
  double ticks = 0;
  std::istringstream(field) >> ticks;
  return std::max(0.0, up - ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

// The second number of /proc/PID/statm: pages in memory.
std::uint64_t resident_bytes(const fs::path& process) {
  std::uint64_t all = 0, resident = 0;
  std::istringstream(content_of(process / "statm")) >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<RunningProgram> read_program(const fs::path& process, int pid) {
  constexpr std::array<std::string_view, 6> kCommands = {"serve", "chat",  "run",
                                                         "batch", "bench", "generate"};
  const std::vector<std::string> words = words_of(content_of(process / "cmdline"));
  if (words.size() < 2 || fs::path(words[0]).filename() != "tinyllm") return std::nullopt;
  if (std::ranges::find(kCommands, words[1]) == kCommands.end()) return std::nullopt;
  RunningProgram program;
  program.pid = pid;
  program.command = words[1];
  program.bytes = resident_bytes(process);
  program.seconds = age_of(process);
  program.model = value_of(words, "--model", "-m");
  if (program.model.empty() && words.size() > 2 && !words[2].starts_with('-'))
    program.model = words[2];
  if (program.model.empty() && (program.command == "serve" || program.command == "chat"))
    program.model = kDefaultModel;
  if (program.command == "serve") {
    const std::string host = value_of(words, "--host"), port = value_of(words, "--port");
    program.address = (host.empty() ? "127.0.0.1" : host) + ":" + (port.empty() ? "8000" : port);
  }
  return program;
}

}  // namespace

std::vector<RunningProgram> running_programs() {
  std::vector<RunningProgram> programs;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    int pid = 0;
    const auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (wrong != std::errc() || *rest != '\0' || pid == ::getpid()) continue;
    if (auto program = read_program(it->path(), pid)) programs.push_back(std::move(*program));
  }
  std::ranges::sort(programs, {}, &RunningProgram::pid);
  return programs;
}

}  // namespace tinyllm
