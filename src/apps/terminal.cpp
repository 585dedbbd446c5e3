#include "apps/terminal.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace tinyllm {
namespace {

std::string styled(std::string_view text, int fd, int code) {
  return use_color(fd) ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

int terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool use_color(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return is_terminal(fd) && (term == nullptr || std::string_view(term) != "dumb");
}

std::string dim(std::string_view text, int fd) { return styled(text, fd, 2); }
std::string bold(std::string_view text, int fd) { return styled(text, fd, 1); }

}  // namespace tinyllm
