#include "grammar/matcher.h"

#include <gtest/gtest.h>

#include <random>

#include "grammar/grammar_vocabulary.h"

namespace tinyllm {
namespace {

constexpr TokenId kEnd = 300, kTool = 301;

// All bytes, pieces of words and of JSON, long runs, a special token and an end token.
std::shared_ptr<const GrammarVocabulary> make_vocabulary() {
  VocabularyTokens tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.bytes.emplace_back(1, static_cast<char>(byte));
  for (const char* text :
       {"\",",   "\":",      "\": \"",   "{\"",    "\"}",      "},",   "ab",       "abc",
        "a\"",   "12",       "1,",       "1}",     "tr",       "true", "null",     "\\n",
        "\\u00", "\xC3\xA9", "\xE6\x97", "\xA9\"", "  ",       "\n  ", "\n\n",     ", \"",
        "[1",    "]]",       "[]",       "{}",     "a\", \"b", "name", "\"name\"", "\"name\":",
        "x\"}",  ".5",       "-1",       "e5",     " \"",      ": ",   "\"a\":1}", "ab"}) {
    tokens.bytes.emplace_back(text);
  }
  tokens.bytes.push_back("ababababababababababababababababab");
  tokens.bytes.push_back("                                        ");
  tokens.bytes.push_back("abababababababababababababab\",\"name\":");
  tokens.bytes.resize(kEnd);
  tokens.bytes.push_back("<|end|>");
  tokens.bytes.push_back("<tool>");
  tokens.special_ids = {kEnd, kTool};
  tokens.end_ids = {kEnd};
  return std::make_shared<const GrammarVocabulary>(std::move(tokens));
}

const std::vector<GrammarSource>& sources() {
  static const std::vector<GrammarSource> all = {
      {GrammarKind::json_object},
      {GrammarKind::json_schema,
       R"({"type":"object","properties":{"name":{"type":"string","maxLength":40},"a":{"type":"integer"},
          "b":{"enum":["ab","abc",1.5]}},"required":["name"]})"},
      {GrammarKind::json_schema, R"({"type":"array","items":{"type":["number","null","array"]}})"},
      {GrammarKind::json_schema, R"({"type":"string","pattern":"^(ab)*$","minLength":30})"},
      {GrammarKind::regex, "[a-c]+(,[a-c]+)*|é+"},
      {GrammarKind::regex, "(ab){2,40}\"?"},
      {GrammarKind::choice, "", {"abc", "ab", "null", "true"}},
      {GrammarKind::gbnf, "root ::= \"a\" root \"b\" | [0-9]+ | <[301]> root"},
      {GrammarKind::gbnf, "root ::= (w \",\"?)*\nw ::= [a-z] w | \"\\\"\""},
      {GrammarKind::structural_tag,
       R"({"structures":[{"begin":"ab","schema":{"type":"integer"},"end":"}"}],"triggers":["ab"]})"},
      {.kind = GrammarKind::choice,
       .choices = {"abc", "true"},
       .thinking = GrammarThinking{.begins = {"ab"}, .ends = {"12", "\n"}}},
  };
  return all;
}

bool is_allowed(const std::vector<std::uint32_t>& words, TokenId id) {
  return (words[id / 32] >> (id % 32) & 1) != 0;
}

// Random walks: at each place every token is tried, and the mask must say the same.
TEST(Matcher, MasksAreWhatTheMatcherTakes) {
  const auto vocabulary = make_vocabulary();
  std::mt19937 random(7);
  for (const GrammarSource& source : sources()) {
    const auto grammar = Grammar::compile(source);
    for (int walk = 0; walk < 6; ++walk) {
      Matcher matcher(grammar, vocabulary);
      std::vector<std::uint32_t> words(vocabulary->n_mask_words());
      for (int step = 0; step < 40; ++step) {
        matcher.mask(words);
        std::vector<TokenId> allowed;
        for (TokenId id = 0; id < static_cast<TokenId>(vocabulary->vocab_size()); ++id) {
          const bool is_taken = matcher.accept(id);
          if (is_taken) matcher.rollback(1);
          ASSERT_EQ(is_allowed(words, id), is_taken)
              << source.text << " token " << id << " '" << vocabulary->text_of(id) << "' step "
              << step;
          if (is_taken && id != kEnd) allowed.push_back(id);
        }
        ASSERT_FALSE(matcher.failed());
        if (allowed.empty()) break;
        ASSERT_TRUE(matcher.accept(allowed[random() % allowed.size()]));
      }
      EXPECT_LT(matcher.n_bytes(), std::size_t{1} << 20);
    }
  }
}

TEST(Matcher, EndTokensWhereTheTextMayEnd) {
  const auto vocabulary = make_vocabulary();
  Matcher matcher(Grammar::compile({GrammarKind::choice, "", {"ab", "abc"}}), vocabulary);
  EXPECT_FALSE(matcher.accept(kEnd));
  ASSERT_TRUE(matcher.accept('a'));
  EXPECT_EQ(matcher.forced_token(), 'b');
  ASSERT_TRUE(matcher.accept('b'));
  EXPECT_TRUE(matcher.may_end());
  ASSERT_TRUE(matcher.accept('c'));
  EXPECT_EQ(matcher.forced_token(), kEnd);
  ASSERT_TRUE(matcher.accept(kEnd));
  EXPECT_TRUE(matcher.has_ended());
  EXPECT_FALSE(matcher.accept('a'));
  matcher.rollback(2);
  EXPECT_TRUE(matcher.may_end());
  EXPECT_FALSE(matcher.has_ended());
}

TEST(Matcher, SpecialTokensOnlyWhereTheGrammarNamesThem) {
  const auto vocabulary = make_vocabulary();
  Matcher anything(Grammar::compile({GrammarKind::regex, "[^]*"}), vocabulary);
  EXPECT_FALSE(anything.accept(kTool));
  EXPECT_FALSE(anything.accept(0xFF));
  Matcher tool(Grammar::compile({GrammarKind::gbnf, "root ::= <[301]> \"a\""}), vocabulary);
  EXPECT_EQ(tool.forced_token(), kTool);
  EXPECT_TRUE(tool.accept(kTool));
  EXPECT_TRUE(tool.accept('a'));
}

TEST(Matcher, IsCompleteWhereNothingOfWorthCanFollow) {
  const auto complete = [](const GrammarSource& source, std::string_view text) {
    Matcher matcher(Grammar::compile(source));
    EXPECT_EQ(matcher.accept_bytes(text), text.size());
    return matcher.is_complete();
  };
  EXPECT_TRUE(complete({GrammarKind::json_schema, R"({"type":"array"})"}, "[1]"));
  EXPECT_FALSE(complete({GrammarKind::json_schema, R"({"type":"array"})"}, "[1"));
  EXPECT_FALSE(complete({GrammarKind::json_schema, R"({"type":"integer"})"}, "1"));
  EXPECT_FALSE(complete({GrammarKind::regex, "a *"}, "a"));  // its spaces may be wanted
  EXPECT_TRUE(complete({GrammarKind::choice, "", {"ab", "abc"}}, "abc"));
  EXPECT_FALSE(complete({GrammarKind::choice, "", {"ab", "abc"}}, "ab"));
}

// A list of 100,000 elements, and nesting that grows: memory stays bounded, and nothing is lost.
TEST(Matcher, LongTextsTakeBoundedMemory) {
  Matcher list(Grammar::compile({GrammarKind::json_schema, R"({"type":"array"})"}));
  std::string text = "[";
  for (int i = 0; i < 10000; ++i) text += "{\"k\": [1, \"x\"]}, ";
  EXPECT_EQ(list.accept_bytes(text), text.size());
  EXPECT_LT(list.n_bytes(), std::size_t{1} << 20);
  EXPECT_EQ(list.accept_bytes("1]"), 2U);
  EXPECT_TRUE(list.may_end());

  Matcher deep(Grammar::compile({GrammarKind::json_schema, R"({"type":"array"})"}));
  const std::string open(3000, '[');
  const std::size_t n_taken = deep.accept_bytes(open);
  EXPECT_TRUE(n_taken == open.size() || deep.failed());
  EXPECT_LT(deep.n_bytes(), std::size_t{1} << 20);
}

TEST(Matcher, SaysWhatMayComeNext) {
  Matcher matcher(Grammar::compile({GrammarKind::regex, "[ab]c"}));
  EXPECT_EQ(matcher.next_bytes(), ByteSet::range('a', 'b'));
  EXPECT_EQ(matcher.accept_bytes("ax"), 1U);
  EXPECT_EQ(matcher.next_bytes(), ByteSet::range('c', 'c'));
}

}  // namespace
}  // namespace tinyllm
