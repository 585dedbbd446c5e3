#pragma once
// Log lines for people who run the program: to stderr, and to a file when asked. Any thread.
// The answer of a command is never logged: it goes to stdout through the command itself.

#include <fmt/core.h>

#include <string>
#include <utility>

namespace tinyllm {

enum class LogLevel { debug, info, warning, error };

// Messages below `level` are dropped. Default: warning. An empty `file` means stderr only;
// otherwise lines are appended to it as well. Throws Error{io} when the file cannot be opened.
void configure_log(LogLevel level, const std::string& file = "");

// From now on a line for stderr is left out where writing it would block, because nobody reads the
// pipe that stderr is. For a server, which must not stop for its log.
void never_wait_for_log();

bool log_enabled(LogLevel level);
// One line, whatever is in the message: control characters are written as \xHH.
void log_line(LogLevel level, const std::string& message);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tinyllm
