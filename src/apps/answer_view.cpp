#include "apps/answer_view.h"

#include <unistd.h>
#include <utf8proc.h>

#include <utility>

#include "apps/printable.h"
#include "apps/terminal.h"

namespace tinyllm {
namespace {

constexpr std::string_view kBold = "\x1b[1m", kNotBold = "\x1b[22m";
constexpr std::string_view kCode = "\x1b[36m", kNotCode = "\x1b[39m";

// Bytes of the character that begins with `lead`.
std::size_t length_of(unsigned char lead) {
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

int columns_of(std::string_view character) {
  utf8proc_int32_t code = 0;
  const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(character.data()),
                                  static_cast<utf8proc_ssize_t>(character.size()), &code);
  return n > 0 ? utf8proc_charwidth(code) : 1;
}

bool opens_after(char before) {
  return before == '\0' || std::string_view("(\"'[{-_*>").find(before) != std::string_view::npos;
}

}  // namespace

AnswerStyle stdout_style() {
  return {.terminal = is_terminal(STDOUT_FILENO),
          .color = use_color(STDOUT_FILENO),
          .width = terminal_width()};
}

void AnswerView::set(bool& state, bool value, std::string_view on, std::string_view off) {
  if (state == value) return;
  state = value;
  out_ += value ? on : off;
}

int AnswerView::column_of(std::string_view spaces) const {
  int column = column_;
  for (const char c : spaces) column += c == ' ' ? 1 : 8 - column % 8;
  return column;
}

// A word with its marks taken for styles.
void AnswerView::append_word(std::string_view word) {
  char before = '\0';
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool mark = style_.color && !in_code_block_ && !is_fence_;
    if (mark && word[i] == '`') {
      set(in_code_, !in_code_, kCode, kNotCode);
      continue;
    }
    if (mark && !in_code_ && !in_heading_ && word.substr(i, 2) == "**") {
      const bool more = i + 2 < word.size();
      if (in_bold_ || (more && opens_after(before))) {
        set(in_bold_, !in_bold_, kBold, kNotBold);
        ++i;
        continue;
      }
    }
    out_ += word[i];
    before = word[i];
  }
}

void AnswerView::end_word() {
  if (word_.empty()) return;
  const std::string word = std::exchange(word_, "");
  const int n_columns = std::exchange(word_columns_, 0);
  const std::string spaces = std::exchange(spaces_, "");
  const bool is_first = !std::exchange(line_began_, true);
  const bool is_code = in_code_block_ || (style_.color && is_first && word.starts_with("```"));
  const bool may_break = !is_code && !is_first && !std::exchange(word_goes_on_, false);
  const bool breaks = may_break && column_ > 0 && column_of(spaces) + n_columns >= style_.width;
  if (breaks) {
    out_ += '\n';
    column_ = 0;
  } else {
    out_ += spaces;
    column_ = column_of(spaces);
  }
  if (is_first && style_.color) {
    is_fence_ = word.starts_with("```");
    const bool only_hashes = word.find_first_not_of('#') == word.npos && word.size() <= 6;
    if (is_fence_) {
      out_.append("\x1b[2m").append(word).append("\x1b[22m");
      column_ += n_columns;
      return;
    }
    if (only_hashes && !in_code_block_) set(in_heading_, true, kBold, kNotBold);
  }
  append_word(word);
  column_ = (column_ + n_columns) % style_.width;
}

void AnswerView::end_line() {
  end_word();
  word_goes_on_ = false;
  spaces_.clear();
  if (is_fence_) {
    set(in_code_block_, !in_code_block_, kCode, kNotCode);
    is_fence_ = false;
  }
  set(in_code_, false, kCode, in_code_block_ ? "" : kNotCode);
  set(in_bold_, false, kBold, kNotBold);
  set(in_heading_, false, kBold, kNotBold);
  out_ += '\n';
  column_ = 0;
  line_began_ = false;
}

void AnswerView::take_character(std::string_view character) {
  if (character == "\n") return end_line();
  const int n_columns = columns_of(character);
  if (character == " " || character == "\t") {
    end_word();
    word_goes_on_ = false;
    spaces_ += character;
    return;
  }
  const bool wide = n_columns == 2;  // a script without spaces: any place is good for a break
  if (wide) end_word();
  word_ += character;
  word_columns_ += n_columns;
  const bool fills_a_line = word_columns_ >= style_.width;
  if (wide || fills_a_line) end_word();
  if (fills_a_line && !wide) word_goes_on_ = true;
}

std::string AnswerView::add(std::string_view text) {
  if (!style_.terminal) return std::string(text);
  std::string whole = std::exchange(holds_return_, false) ? "\r" : "";
  whole += text;
  holds_return_ = whole.ends_with('\r');
  if (holds_return_) whole.pop_back();
  const std::string clean = printable(whole, /*several_lines=*/true);
  for (std::size_t i = 0; i < clean.size();) {
    const std::size_t n = length_of(static_cast<unsigned char>(clean[i]));
    take_character(std::string_view(clean).substr(i, n));
    i += n;
  }
  return std::exchange(out_, "");
}

std::string AnswerView::finish() {
  end_word();
  set(in_code_, false, kCode, kNotCode);
  set(in_code_block_, false, kCode, kNotCode);
  set(in_bold_, false, kBold, kNotBold);
  set(in_heading_, false, kBold, kNotBold);
  return std::exchange(out_, "");
}

}  // namespace tinyllm
