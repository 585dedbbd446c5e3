#pragma once
// How the tool looks: colours where the terminal
// takes them, plain text everywhere else. Any thread.

#include <string>
#include <string_view>

namespace tinyllm::learn {

struct Style {
  bool color = false;
  int width = 80;
  bool terminal = false;  // a person reads the lines: long ones are broken

  std::string bold(std::string_view text) const;
  std::string dim(std::string_view text) const;
  std::string green(std::string_view text) const;
  std::string red(std::string_view text) const;
  std::string yellow(std::string_view text) const;
};

// Colours when stdout is a terminal, TERM is not dumb and NO_COLOR is not set; never with `plain`.
Style make_style(bool plain);

// "[#####-----] 5 of 10 tasks"
std::string progress_line(const Style& style, int done, int total, int width);

// Lines of at most `width` columns, broken at spaces; each after the first begins with `indent`.
std::string wrap(std::string_view text, int width, std::string_view indent);

// To stdout at once. Throws Error{io} when it cannot be written.
void say(std::string_view text);

// Says text as it comes: indented, lines broken at spaces before they get too long.
class SpokenText {
 public:
  SpokenText(const Style& style, std::string_view indent) : width_(style.width), indent_(indent) {}
  void operator()(std::string_view piece);

 private:
  int width_;
  std::string indent_;
  int column_ = 0;  // 0: nothing was said yet
};

// To stderr: what is no part of a command's answer.
void say_aside(std::string_view text);

bool stdin_is_terminal();
bool stdout_is_terminal();

}  // namespace tinyllm::learn
