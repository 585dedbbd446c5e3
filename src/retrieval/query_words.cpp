#include "retrieval/query_words.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/utf8.h"
#include "retrieval/space.h"
#include "retrieval/word_characters.h"

namespace tinyllm {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Where the run of characters that are or are not of words ends.
std::size_t end_of_run(std::string_view text, std::size_t at, bool of_words) {
  while (at < text.size()) {
    const Utf8Char c = decode_utf8(text.substr(at));
    if (is_word_character(c.code_point) != of_words) break;
    at += c.n_bytes;
  }
  return at;
}

// The next word at or behind `begin`; empty range: none.
TextRange next_word(std::string_view text, std::size_t begin) {
  begin = end_of_run(text, begin, false);
  return {begin, end_of_run(text, begin, true)};
}

struct Match {
  TextRange range;
  std::size_t word;  // of the question
};

// Equal, or one is the other with an ending: BM25 compares stems, and these are near enough to show.
bool is_near(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return a == b || (a.size() >= 4 && b.size() <= a.size() + 3 && b.starts_with(a));
}

std::vector<Match> find_matches(std::string_view text, const std::vector<std::string>& words) {
  std::vector<Match> matches;
  for (TextRange word = next_word(text, 0); word.begin < word.end;
       word = next_word(text, word.end)) {
    const std::string found = lower(text.substr(word.begin, word.end - word.begin));
    const auto at =
        std::ranges::find_if(words, [&](const auto& word) { return is_near(word, found); });
    if (at != words.end()) matches.push_back({word, static_cast<std::size_t>(at - words.begin())});
  }
  return matches;
}

// Where the best window begins: at a match.
std::size_t best_begin(const std::vector<Match>& matches, std::size_t max_bytes) {
  std::size_t best = 0, most = 0;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    std::set<std::size_t> different;
    for (std::size_t j = i; j < matches.size() && j < i + 64 &&
                            matches[j].range.end <= matches[i].range.begin + max_bytes;
         ++j)
      different.insert(matches[j].word);
    if (different.size() <= most) continue;
    most = different.size();
    best = matches[i].range.begin;
  }
  return best;
}

// Words that questions hold and texts that answer them need not. In a small folder they are rare, so
// BM25 would take them for the telling ones.
bool is_telling(const std::string& word) {
  static constexpr std::string_view kCommon =
      " a an and any are as at be been but by can could did do does for from had has have how i if "
      "in "
      "is it its me my of on or our s should so t that the their them then there these they this "
      "to "
      "was we were what when where which who why will with would you your ";
  return kCommon.find(" " + word + " ") == kCommon.npos;
}

std::vector<std::string> all_words(std::string_view text) {
  std::vector<std::string> words;
  for (TextRange word = next_word(text, 0); word.begin < word.end;
       word = next_word(text, word.end)) {
    std::string found = lower(text.substr(word.begin, word.end - word.begin));
    if (std::ranges::find(words, found) == words.end()) words.push_back(std::move(found));
  }
  return words;
}

}  // namespace

std::vector<std::string> query_words(std::string_view text) {
  std::vector<std::string> words = all_words(text), telling;
  std::ranges::copy_if(words, std::back_inserter(telling), is_telling);
  return telling.empty() ? words : telling;
}

std::string words_expression(const std::vector<std::string>& words) {
  std::string expression;
  for (const std::string& word : words)
    expression += (expression.empty() ? "\"" : " OR \"") + word + "\"";
  return expression;
}

Snippet make_snippet(std::string_view text, const std::vector<std::string>& words,
                     std::size_t max_bytes) {
  std::size_t begin = best_begin(find_matches(text, words), max_bytes - max_bytes / 4);
  // A little of what stands before, from the beginning of a word.
  const std::size_t least = begin > max_bytes / 4 ? begin - max_bytes / 4 : 0;
  if (text.size() <= max_bytes || least == 0)
    begin = 0;
  else
    while (begin > least && !(is_space(text[begin - 1]) && begin - 1 < least + 20)) --begin;
  std::size_t end = std::min(text.size(), begin + max_bytes);
  const std::size_t cut = end;
  while (end < text.size() && end > begin && !is_space(text[end])) --end;
  if (end == begin) end = cut;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  while (begin < end && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;
  Snippet snippet;
  if (begin > 0) snippet.text = "... ";
  for (const char c : text.substr(begin, end - begin)) {
    if (!is_space(c))
      snippet.text += c;
    else if (!snippet.text.empty() && snippet.text.back() != ' ')
      snippet.text += ' ';
  }
  if (end < text.size()) snippet.text += snippet.text.ends_with(' ') ? "..." : " ...";
  for (const Match& match : find_matches(snippet.text, words))
    snippet.matched.push_back(match.range);
  return snippet;
}

}  // namespace tinyllm
