// text.bpe_merge: the recorded words, and random ones with random rules held against the definition.

#include "text/bpe_merge.h"

#include <fmt/format.h>

#include <map>

#include "learn/smallest_failing.h"
#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

// A vocabulary of the 256 bytes and what the rules make.
struct Vocabulary {
  explicit Vocabulary(const std::vector<std::string>& rules) : merges(rules.size()) {
    for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
    for (std::size_t rank = 0; rank < rules.size(); ++rank) {
      const std::size_t gap = rules[rank].find(' ');
      const std::string left = rules[rank].substr(0, gap), right = rules[rank].substr(gap + 1);
      merges.set(ids.at(left), ids.at(right), {static_cast<std::int32_t>(rank), add(left + right)});
    }
  }
  TokenId add(const std::string& token) {
    const auto [place, is_new] = ids.emplace(token, static_cast<TokenId>(texts.size()));
    if (is_new) texts.push_back(token);
    return place->second;
  }
  std::string merged(const std::string& word) const {
    std::vector<TokenId> token_ids;
    for (const char c : word) token_ids.push_back(static_cast<unsigned char>(c));
    bpe_merge(token_ids, merges);
    return text_of(token_ids);
  }
  std::string text_of(const std::vector<TokenId>& token_ids) const {
    std::string text;
    for (const TokenId id : token_ids) {
      if (!text.empty()) text += "|";
      const bool is_known = id >= 0 && static_cast<std::size_t>(id) < texts.size();
      text += is_known ? texts[static_cast<std::size_t>(id)] : fmt::format("(id {})", id);
    }
    return text;
  }

  std::vector<std::string> texts;
  std::map<std::string, TokenId> ids;
  MergeTable merges;
};

void run(const Case& given, Answers& answers) {
  answers.put_text("tokens", Vocabulary(given.lines("merges")).merged(given.text("word")));
}

// The definition, one merge a round.
std::string merged_slowly(const Vocabulary& vocabulary, const std::string& word) {
  std::vector<TokenId> ids;
  for (const char c : word) ids.push_back(static_cast<unsigned char>(c));
  while (true) {
    const Merge* best = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const Merge* rule = vocabulary.merges.find(ids[i], ids[i + 1]);
      if (rule == nullptr || (best != nullptr && rule->rank >= best->rank)) continue;
      best = rule;
      at = i;
    }
    if (best == nullptr) return vocabulary.text_of(ids);
    ids[at] = best->merged_id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::string random_words_are_merged_as_the_definition_says() {
  std::uint64_t state = 20;
  const auto below = [&](std::uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> tokens = {"a", "b", "c"}, rules;
    for (int i = 0; i < 6; ++i) {
      const std::string left = tokens[below(tokens.size())], right = tokens[below(tokens.size())];
      rules.push_back(left + " " + right);
      tokens.push_back(left + right);
    }
    const Vocabulary vocabulary(rules);
    std::string word;
    for (int i = 0; i < 12; ++i) word += static_cast<char>('a' + below(3));
    const auto differs = [&](const std::vector<char>& letters) {
      const std::string part(letters.begin(), letters.end());
      return vocabulary.merged(part) != merged_slowly(vocabulary, part);
    };
    if (!differs({word.begin(), word.end()})) continue;
    const auto letters = smallest_failing(std::vector<char>(word.begin(), word.end()), differs);
    const std::string smallest(letters.begin(), letters.end());
    std::string list;
    for (const std::string& rule : rules) list += (list.empty() ? "" : ", ") + rule;
    return fmt::format("with the rules {}: '{}' becomes {}, must be {}", list, smallest,
                       vocabulary.merged(smallest), merged_slowly(vocabulary, smallest));
  }
  return "";
}

std::string an_empty_word_stays_empty() {
  std::vector<TokenId> none;
  bpe_merge(none, Vocabulary({"a b"}).merges);
  return none.empty() ? "" : fmt::format("a word of no bytes became {} tokens", none.size());
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"an empty word stays empty", an_empty_word_stays_empty},
           {"random words are merged as the definition says",
            random_words_are_merged_as_the_definition_says}}};
}

}  // namespace tinyllm::learn
