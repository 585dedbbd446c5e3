#include "retrieval/quotations.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "retrieval/space.h"
#include "retrieval/word_characters.h"

namespace tinyllm {
namespace {

struct Marks {
  std::string_view open, close;
};

constexpr std::array kMarks = {
    Marks{"\"", "\""},         Marks{"\u201C", "\u201D"}, Marks{"\u201E", "\u201C"},
    Marks{"\u201E", "\u201D"}, Marks{"\u00AB", "\u00BB"}, Marks{"\u00BB", "\u00AB"},
    Marks{"\u2039", "\u203A"}, Marks{"\u300C", "\u300D"}, Marks{"\u300E", "\u300F"},
};

bool may_open(std::string_view text, std::size_t at) {
  const bool is_free = at == 0 || is_space(text[at - 1]) ||
                       std::string_view("([{*_>").find(text[at - 1]) != std::string_view::npos ||
                       text.substr(0, at).ends_with("\u2014");
  return is_free && at + 1 < text.size() && !is_space(text[at + 1]);
}

bool may_close(std::string_view text, std::size_t at) {
  return !is_space(text[at - 1]) &&
         (at + 1 == text.size() || !is_word_character(decode_utf8(text.substr(at + 1)).code_point));
}

// Where the quotation that begins at `begin` ends; npos: nowhere in its paragraph.
std::size_t end_of(std::string_view text, std::size_t begin, const Marks& marks) {
  const std::string_view paragraph = text.substr(0, text.find("\n\n", begin));
  std::size_t end = paragraph.find(marks.close, begin);
  while (end != text.npos && marks.close == "\"" && !may_close(text, end))
    end = paragraph.find(marks.close, end + 1);
  return end;
}

std::size_t run_of(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(text[at], at), text.size()) - at;
}

// Where the code that begins with `n` backticks before `begin` ends; npos: it is none.
std::size_t end_of_code(std::string_view text, std::size_t begin, std::size_t n) {
  for (std::size_t at = text.find('`', begin); at != text.npos;) {
    const std::size_t n_here = run_of(text, at);
    if (n_here == n) return at + n;
    at = text.find('`', at + n_here);
  }
  return text.npos;
}

bool begins_line_at(std::string_view text, std::size_t at) {
  while (at > 0 && text[at - 1] == ' ') --at;
  return at == 0 || text[at - 1] == '\n';
}

}  // namespace

std::string mask_code(std::string_view text) {
  std::string masked(text);
  for (std::size_t at = text.find_first_of("`~"); at != text.npos;
       at = text.find_first_of("`~", at)) {
    const std::size_t n = run_of(text, at);
    const bool is_fence = n >= 3 && begins_line_at(text, at);
    std::size_t end = at + n;
    if (is_fence) {
      // As CommonMark does it, a block that is not closed ends with the text.
      const std::size_t close = text.find("\n" + std::string(n, text[at]), end);
      end = close == text.npos ? text.size() : close + 1 + n;
    } else if (text[at] == '`') {
      const std::string_view paragraph = text.substr(0, text.find("\n\n", end));
      const std::size_t close = end_of_code(paragraph, end, n);
      if (close != text.npos) end = close;
    }
    if (is_fence || end > at + n)
      std::replace_if(
          masked.begin() + static_cast<std::ptrdiff_t>(at),
          masked.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return c != '\n'; }, 'x');
    at = end;
  }
  return masked;
}

std::vector<TextRange> find_quotations(std::string_view text) {
  std::vector<TextRange> found;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t next = at + 1;
    for (const Marks& marks : kMarks) {
      if (!text.substr(at).starts_with(marks.open)) continue;
      if (marks.open == "\"" && !may_open(text, at)) continue;
      const std::size_t begin = at + marks.open.size();
      const std::size_t end = end_of(text, begin, marks);
      if (end == text.npos) continue;
      found.push_back({begin, end});
      next = end + marks.close.size();
      break;
    }
    at = next;
  }
  return found;
}

}  // namespace tinyllm
