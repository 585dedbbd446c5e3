#include "text/pretokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;
using Words = std::vector<std::string>;

Words split(const std::vector<PretokenizerStage>& stages, const std::string& text) {
  const Pretokenizer pretokenizer(stages, "test");
  std::vector<RegexMatcher> matchers = pretokenizer.make_matchers();
  Words words;
  for (const TextRange& word : pretokenizer.split(text, matchers)) {
    words.push_back(text.substr(word.begin, word.end - word.begin));
  }
  return words;
}

Words split_as(const std::string& name, const std::string& text) {
  return split(*pretokenizer_stages(name), text);
}

Words split_by(const std::string& pattern, SplitBehavior behavior, bool invert,
               const std::string& text) {
  PretokenizerStage stage;
  stage.pattern = pattern;
  stage.behavior = behavior;
  stage.invert = invert;
  return split({stage}, text);
}

TEST(Pretokenizer, FamiliesDiffer) {
  const std::string text = "Don't  12345\n\nYOU'RE";
  EXPECT_EQ(split_as("gpt2", text),
            (Words{"Don", "'t", " ", " 12345", "\n", "\n", "YOU", "'", "RE"}));
  EXPECT_EQ(split_as("llama3", text),
            (Words{"Don", "'t", " ", " ", "123", "45", "\n\n", "YOU", "'RE"}));
  EXPECT_EQ(split_as("qwen2", text),
            (Words{"Don", "'t", " ", " ", "1", "2", "3", "4", "5", "\n\n", "YOU", "'RE"}));
  EXPECT_EQ(split_as("smollm", text),
            (Words{"Don", "'t", "  ", "1", "2", "3", "4", "5", "\n", "\n", "YOU", "'", "RE"}));
  EXPECT_EQ(split_as("qwen2", ""), Words{});
  EXPECT_EQ(pretokenizer_stages("other"), std::nullopt);
}

TEST(Pretokenizer, Behaviours) {
  const std::string text = "a--b-";
  EXPECT_EQ(split_by("-", SplitBehavior::removed, false, text), (Words{"a", "b"}));
  EXPECT_EQ(split_by("-", SplitBehavior::isolated, false, text), (Words{"a", "-", "-", "b", "-"}));
  EXPECT_EQ(split_by("-", SplitBehavior::contiguous, false, text), (Words{"a", "--", "b", "-"}));
  EXPECT_EQ(split_by("-", SplitBehavior::merged_with_previous, false, text),
            (Words{"a-", "-", "b-"}));
  EXPECT_EQ(split_by("-", SplitBehavior::merged_with_next, false, text),
            (Words{"a", "-", "-b", "-"}));
  EXPECT_EQ(split_by("[a-z]", SplitBehavior::removed, true, text), (Words{"a", "b"}));
}

TEST(Pretokenizer, EmptyMatchesCutToo) {
  EXPECT_EQ(split_by("(?=[A-Z])", SplitBehavior::isolated, false, "oneTwoThree"),
            (Words{"one", "Two", "Three"}));
  EXPECT_EQ(split_by("x*", SplitBehavior::isolated, false, "axxé"), (Words{"a", "xx", "é"}));
}

TEST(Pretokenizer, WhiteSpaceIsUnicodes) {
  // U+180E is white space to PCRE2's \s but not to Unicode since version 6.3.
  EXPECT_EQ(split_by(R"(\s)", SplitBehavior::removed, false, "a\u180eb\u00a0c\u0085d\u3000e"),
            (Words{"a\u180eb", "c", "d", "e"}));
  EXPECT_EQ(split_by(R"([\s]+)", SplitBehavior::removed, false, "a\u180eb \t\nc"),
            (Words{"a\u180eb", "c"}));
  EXPECT_EQ(split_by(R"(\S+)", SplitBehavior::removed, true, "a\u180eb c"),
            (Words{"a\u180eb", "c"}));
  EXPECT_EQ(split_by(R"([]\s]|\[|\\s)", SplitBehavior::removed, false, "a]b c[d\\se"),
            (Words{"a", "b", "c", "d", "e"}));
}

TEST(Pretokenizer, LongRuns) {
  const std::size_t n = 1 << 18;
  for (const char* name : {"gpt2", "llama3", "qwen2", "smollm"}) {
    EXPECT_EQ(split_as(name, std::string(n, ' ') + "x").size(), 2u) << name;
    EXPECT_EQ(split_as(name, std::string(n, '\n')).size(), 1u) << name;
    EXPECT_EQ(split_as(name, std::string(n, 'a')).size(), 1u) << name;
    EXPECT_EQ(split_as(name, std::string(n, '!')).size(), 1u) << name;
  }
}

// What machine code cannot hold on its stack is interpreted.
TEST(Regex, FallsBackFromMachineCode) {
  const Regex regex("(?:(a)|(b))+c", "test");
  RegexMatcher matcher(regex);
  std::string text(200'000, 'a');
  text += 'c';
  const std::optional<TextRange> match = matcher.find(text, 0);
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(*match, (TextRange{0, text.size()}));
}

TEST(Regex, StepsAreBounded) {
  const Regex regex("(?:a|aa)+$", "test");
  RegexMatcher matcher(regex);
  try {
    matcher.find(std::string(60, 'a') + "b", 0);
    FAIL() << "must refuse";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "test: pretokenizer pattern '(?:a|aa)+$' on a text of 61 bytes: match limit exceeded");
  }
}

TEST(Regex, RefusesBadPatterns) {
  EXPECT_THROW(Regex("(", "test"), Error);
  EXPECT_THROW(Regex("\\C", "test"), Error);
  EXPECT_THROW(Regex("[a-", "test"), Error);
  EXPECT_THROW(Regex("\xFF", "test"), Error);
  EXPECT_THROW(Regex(std::string(100'000, 'a'), "test"), Error);
  EXPECT_THROW(Regex(std::string(1000, '(') + std::string(1000, ')'), "test"), Error);
}

}  // namespace
}  // namespace tinyllm
