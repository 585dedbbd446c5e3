#include "retrieval/citations.h"

#include <algorithm>

#include "retrieval/answer_prompt.h"

namespace tinyllm {
namespace {

constexpr std::size_t kLeastWords = 4;  // fewer are a name or a term, not a quotation

// Lower case, words parted by one blank, without Markdown's marks.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '*' || c == '`' || c == '_') continue;
    if (c == ' ' || c == '\n' || c == '\t') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return out;
}

std::string without_end_marks(std::string text) {
  while (!text.empty() && std::string_view(" .,;:!?").find(text.back()) != std::string_view::npos)
    text.pop_back();
  return text;
}

// The numbers of "1, 2]" at the text's beginning; empty: it is no citation.
std::vector<int> read_numbers(std::string_view text) {
  std::vector<int> numbers;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::size_t n_digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (n_digits == 0 || n_digits > 4 || n_digits == text.size()) return {};
    numbers.push_back(std::stoi(std::string(text.substr(0, n_digits))));
    const char behind = text[n_digits];
    text.remove_prefix(n_digits + 1);
    if (behind == ']') return numbers;
    if (behind != ',') return {};
  }
}

void add_once(std::vector<int>& numbers, int number) {
  const auto at = std::ranges::lower_bound(numbers, number);
  if (at == numbers.end() || *at != number) numbers.insert(at, number);
}

// What stands between `open` and the next `close` of the same paragraph.
void find_quotes(std::string_view text, std::string_view open, std::string_view close,
                 std::vector<std::string>& quotes) {
  for (std::size_t begin = text.find(open); begin != text.npos; begin = text.find(open, begin)) {
    begin += open.size();
    const std::size_t end = text.find(close, begin);
    if (end == text.npos) return;
    const std::string_view quote = text.substr(begin, end - begin);
    if (quote.find("\n\n") == quote.npos) {
      quotes.emplace_back(quote);
      begin = end + close.size();
    }
  }
}

bool is_missing(const std::string& quote, std::span<const StoredChunk> sources) {
  const std::string wanted = without_end_marks(plain(quote));
  if (static_cast<std::size_t>(std::ranges::count(wanted, ' ')) + 1 < kLeastWords) return false;
  return std::ranges::none_of(sources, [&](const StoredChunk& source) {
    return plain(source.chunk.text).find(wanted) != std::string::npos;
  });
}

}  // namespace

CitationCheck check_citations(std::string_view answer, std::span<const StoredChunk> sources) {
  CitationCheck check;
  for (std::size_t at = answer.find('['); at != answer.npos; at = answer.find('[', at + 1)) {
    for (const int number : read_numbers(answer.substr(at + 1))) {
      const bool exists = number >= 1 && number <= std::ssize(sources);
      add_once(exists ? check.cited : check.unknown, number);
    }
  }
  std::vector<std::string> quotes;
  find_quotes(answer, "\"", "\"", quotes);
  find_quotes(answer, "\u201C", "\u201D", quotes);
  for (const std::string& quote : quotes)
    if (is_missing(quote, sources)) check.missing_quotes.push_back(quote);
  check.declines = plain(answer).find(without_end_marks(plain(kNoAnswer))) != std::string::npos;
  return check;
}

}  // namespace tinyllm
