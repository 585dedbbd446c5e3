#include "retrieval/citations.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/text_range.h"
#include "base/utf8.h"
#include "retrieval/answer_prompt.h"
#include "retrieval/comparable_text.h"
#include "retrieval/quotations.h"
#include "text/bert_characters.h"

namespace tinyllm {
namespace {

constexpr std::size_t kLeastWords = 4;  // fewer are a name or a term, not a quotation
constexpr int kMostInRange = 99;
constexpr int kLeastYear = 1000;

// Reads what stands between the brackets of a citation.
class NumberReader {
 public:
  explicit NumberReader(std::string_view text) : text_(text) {}

  // Empty: it is no citation.
  std::vector<int> read() {
    std::vector<int> numbers;
    do {
      for (const std::string_view word : {"Sources", "Source", "sources", "source"})
        if (take(word)) break;
      const int first = number();
      const bool is_range = take("-") || take("\u2013");
      const int last = is_range ? number() : first;
      if (first < 0 || last < first || last > first + kMostInRange) return {};
      for (int n = first; n <= last; ++n) numbers.push_back(n);
    } while (take(",") || take(";"));
    return text_.empty() ? numbers : std::vector<int>{};
  }

 private:
  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size())); }

  bool take(std::string_view wanted) {
    skip_blanks();
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(wanted.size());
    skip_blanks();
    return true;
  }

  int number() {  // -1: none
    const std::size_t n = std::min(text_.find_first_not_of("0123456789"), text_.size());
    if (n == 0 || n > 4) return -1;
    const int value = std::stoi(std::string(text_.substr(0, n)));
    text_.remove_prefix(n);
    skip_blanks();
    return value;
  }

  std::string_view text_;
};

struct Citation {
  TextRange range;  // with its brackets
  std::vector<int> numbers;
};

std::string_view part(std::string_view text, TextRange range) {
  return text.substr(range.begin, range.end - range.begin);
}

// In the masked answer: code is none of it.
std::vector<Citation> find_citations(std::string_view text) {
  std::vector<Citation> citations;
  for (std::size_t at = text.find('['); at != text.npos; at = text.find('[', at + 1)) {
    const std::size_t close = text.find(']', at);
    if (close == text.npos) break;
    std::vector<int> numbers = NumberReader(text.substr(at + 1, close - at - 1)).read();
    if (!numbers.empty()) citations.push_back({{at, close + 1}, std::move(numbers)});
  }
  return citations;
}

void add_once(std::vector<int>& numbers, int number) {
  const auto at = std::ranges::lower_bound(numbers, number);
  if (at == numbers.end() || *at != number) numbers.insert(at, number);
}

// Is it long enough for a quotation? Ideographs are half a word each.
bool is_quotation(std::string_view text) {
  std::size_t n_halves = 0;
  bool in_word = false;
  for (Utf8Char c{}; !text.empty(); text.remove_prefix(c.n_bytes)) {
    c = decode_utf8(text);
    const bool is_blank = is_bert_space(c.code_point);
    const bool is_wide = c.code_point >= 0x3000;
    if (is_wide) n_halves += 1;
    if (!is_blank && !is_wide && !in_word) n_halves += 2;
    in_word = !is_blank && !is_wide;
  }
  return n_halves >= 2 * kLeastWords;
}

// The parts between "..." as comparable words; those without a word left out.
std::vector<std::string> parts_of(std::string_view quote) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t dots = std::min(quote.find("..."), quote.find("\u2026"));
    std::string words = comparable_words(quote.substr(0, dots));
    if (!words.empty()) parts.push_back(std::move(words));
    if (dots == quote.npos) return parts;
    quote.remove_prefix(dots + 3);  // both have three bytes
  }
}

bool holds(std::string_view source, const std::vector<std::string>& parts) {
  std::size_t at = 0;
  for (const std::string& words : parts) {
    at = source.find(words, at);
    if (at == source.npos) return false;
    at += words.size() - 1;  // the blank behind it begins the next
  }
  return true;
}

class Checker {
 public:
  Checker(std::string_view answer, std::span<const StoredChunk> sources)
      : answer_(answer), masked_(mask_code(answer)), sources_(sources) {
    for (const StoredChunk& source : sources)
      comparable_.push_back(comparable_words(source.chunk.heading + "\n" + source.chunk.text));
  }

  CitationCheck check() {
    citations_ = find_citations(masked_);
    std::erase_if(citations_, [&](const Citation& c) { return is_of_a_source(c); });
    const std::vector<TextRange> quotes = find_quotations(masked_);
    for (const TextRange& quote : quotes) {
      if (!holders(std::string(part(answer_, quote))).empty()) drop_citations(quote);
    }
    for (const TextRange& quote : quotes) check_quote(quote);
    for (const Citation& citation : citations_) {
      for (const int number : citation.numbers) {
        if (exists(number))
          add_once(check_.cited, number);
        else if (number < kLeastYear)
          add_once(check_.unknown, number);
      }
    }
    check_.declines = comparable_words(answer_) == comparable_words(kNoAnswer);
    return check_;
  }

 private:
  bool exists(int number) const { return number >= 1 && number <= std::ssize(sources_); }

  // "argv[1]": does it stand so in a source?
  bool is_of_a_source(const Citation& citation) const {
    const std::size_t blank = answer_.substr(0, citation.range.begin).find_last_of(" \n\t(\"");
    const std::size_t begin = blank == answer_.npos ? 0 : blank + 1;
    if (begin == citation.range.begin) return false;
    const std::string_view words = part(answer_, {begin, citation.range.end});
    return std::ranges::any_of(sources_, [&](const StoredChunk& source) {
      return source.chunk.text.find(words) != std::string::npos;
    });
  }

  // The sources that hold a quotation.
  std::set<int> holders(const std::string& quote) const {
    const std::vector<std::string> parts = parts_of(quote);
    std::set<int> found;
    for (std::size_t i = 0; i < comparable_.size(); ++i)
      if (!parts.empty() && holds(comparable_[i], parts)) found.insert(static_cast<int>(i) + 1);
    return found;
  }

  // Brackets within a quotation that stands so in a source are the source's.
  void drop_citations(const TextRange& quote) {
    std::erase_if(citations_, [&](const Citation& c) {
      return c.range.begin >= quote.begin && c.range.end <= quote.end;
    });
  }

  void check_quote(const TextRange& range) {
    std::string quote;  // without citations
    std::size_t at = range.begin;
    std::set<int> named;  // in it and right behind it
    std::size_t behind = range.end;
    for (const Citation& citation : citations_) {
      const bool is_inside = citation.range.begin >= range.begin && citation.range.end <= range.end;
      if (is_inside) {
        quote += part(answer_, {at, citation.range.begin});
        at = citation.range.end;
      } else if (citation.range.begin < behind || !is_gap({behind, citation.range.begin})) {
        continue;
      } else {
        behind = citation.range.end;
      }
      std::ranges::copy_if(citation.numbers, std::inserter(named, named.end()),
                           [&](int number) { return exists(number); });
    }
    quote += part(answer_, {at, range.end});
    if (!is_quotation(quote)) return;
    const std::set<int> found = holders(quote);
    if (found.empty())
      check_.missing_quotes.push_back(quote);
    else if (!named.empty() &&
             std::ranges::none_of(named, [&](int number) { return found.contains(number); }))
      check_.misplaced_quotes.push_back(quote);
  }

  // Are there only blanks and marks between a quotation and a citation?
  bool is_gap(TextRange range) const {
    return range.end - range.begin < 16 && comparable_words(part(answer_, range)).empty() &&
           part(answer_, range).find('\n') == std::string_view::npos;
  }

  std::string_view answer_;
  std::string masked_;  // without code
  std::span<const StoredChunk> sources_;
  std::vector<std::string> comparable_;  // of the sources
  std::vector<Citation> citations_;
  CitationCheck check_;
};

}  // namespace

CitationCheck check_citations(std::string_view answer, std::span<const StoredChunk> sources) {
  return Checker(answer, sources).check();
}

}  // namespace tinyllm
