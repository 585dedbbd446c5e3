#pragma once
// An answer as a person reads it while it comes: lines are wrapped at words, **bold** and headings
// are bold, `code` and code blocks have a colour of their own, and control characters cannot steer
// the terminal. Off a terminal every byte goes out as it is. Main thread only.

#include <string>
#include <string_view>

namespace tinyllm {

struct AnswerStyle {
  bool terminal = false;  // wrap, and let no control character through
  bool color = false;     // show Markdown's marks as styles
  int width = 80;         // columns
};
// Of stdout.
AnswerStyle stdout_style();

class AnswerView {
 public:
  explicit AnswerView(AnswerStyle style) : style_(style) {}

  // What to write for the next piece, whole characters. A word is held back until its end is known.
  std::string add(std::string_view text);
  // What was held back, and the end of every style.
  std::string finish();

 private:
  void take_character(std::string_view character);
  void end_word();
  void end_line();
  void append_word(std::string_view word);
  int column_of(std::string_view spaces) const;  // after them
  void set(bool& state, bool value, std::string_view on, std::string_view off);

  AnswerStyle style_;
  std::string out_;
  bool holds_return_ = false;  // a carriage return whose newline may come
  std::string word_;           // held back
  std::string spaces_;         // before it; they go where the line is broken
  bool word_goes_on_ = false;  // its begin filled a line and is out
  int word_columns_ = 0;       // of word_, marks included
  int column_ = 0;             // where the next character goes
  bool line_began_ = false;    // a word of this line is out
  bool is_fence_ = false;      // the line opens or closes a code block
  bool in_code_block_ = false, in_code_ = false, in_bold_ = false, in_heading_ = false;
};

}  // namespace tinyllm
