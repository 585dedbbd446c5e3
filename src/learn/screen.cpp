#include "learn/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace tinyllm::learn {
namespace {

std::string styled(const Style& style, std::string_view text, std::string_view code) {
  return style.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

}  // namespace

std::string Style::bold(std::string_view text) const { return styled(*this, text, "1"); }
std::string Style::dim(std::string_view text) const { return styled(*this, text, "2"); }
std::string Style::green(std::string_view text) const { return styled(*this, text, "32"); }
std::string Style::red(std::string_view text) const { return styled(*this, text, "31"); }
std::string Style::yellow(std::string_view text) const { return styled(*this, text, "33"); }

bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }
bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

Style make_style(bool plain) {
  Style style;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  style.width = std::clamp(style.width, 40, 100);
  style.terminal = stdout_is_terminal();
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  style.color = !plain && stdout_is_terminal() && (no_color == nullptr || *no_color == '\0') &&
                term != nullptr && std::string_view(term) != "dumb";
  return style;
}

std::string progress_line(const Style& style, int done, int total, int width) {
  const int filled = total == 0 ? 0 : width * done / total;
  return fmt::format("[{}{}] {} of {} tasks green", style.green(std::string(filled, '#')),
                     std::string(width - filled, '-'), done, total);
}

std::string wrap(std::string_view text, int width, std::string_view indent) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    if (column > 0 && column + 1 + word.size() > static_cast<std::size_t>(width)) {
      out += "\n" + std::string(indent);
      column = indent.size();
    } else if (column > 0 && !out.empty() && out.back() != '\n') {
      out += " ";
      column += 1;
    }
    out += word;
    column += word.size();
    if (end < text.size() && text[end] == '\n') {
      out += "\n" + std::string(indent);
      column = 0;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void SpokenText::operator()(std::string_view piece) {
  constexpr int kRoomForAWord = 14, kLineEnded = -1;
  for (const char c : piece) {
    const bool breaks = c == '\n' || (c == ' ' && column_ > width_ - kRoomForAWord);
    if (breaks) {  // an empty line tells nothing: a run of them is one
      if (column_ > static_cast<int>(indent_.size())) column_ = kLineEnded;
      continue;
    }
    if (column_ == 0 || column_ == kLineEnded) {
      say((column_ == 0 ? "" : "\n") + indent_);
      column_ = static_cast<int>(indent_.size());
    }
    say({&c, 1});
    column_ += 1;
  }
}

void say(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text)) {
    fail(ErrorCode::io, "cannot write to stdout: {}", std::strerror(errno));
  }
}

void say_aside(std::string_view text) { write_all(STDERR_FILENO, text); }

}  // namespace tinyllm::learn
