#include "grammar/grammar_texts_test.h"

namespace tinyllm {
namespace {

GrammarSource regex(const std::string& pattern) { return {GrammarKind::regex, pattern}; }

TEST(RegexSource, TakesWhatThePatternMatches) {
  expect_texts(regex("a(b|c)*d"), {"ad", "abcbd"}, {"", "a", "abce", "add"});
  expect_texts(regex("[^x]{2,3}"), {"éé", "日本語"}, {"é", "日x", "abcd"});
  expect_texts(regex("\\d{3}-\\d{4}|\\u{1F600}"), {"123-4567", "😀"}, {"12-4567", "😀😀"});
  expect_texts(regex("[\\w.-]+@\\w+"), {"a.b-c@d"}, {"@d", "a@", "é@d"});
  expect_texts(regex("."), {"a", "é"}, {"\n", "", "ab"});
  expect_texts(regex(""), {""}, {"a"});
  expect_texts(regex("a{2,}b?"), {"aa", "aaab"}, {"a", "ab"});
  expect_texts(regex("x{,2}"), {"x{,2}"}, {"xx"});
}

TEST(RegexSource, AnchorsStandWhereTheyAreTrue) {
  expect_texts(regex("^abc$"), {"abc"}, {"ab"});
  expect_texts(regex("(^a|b)c($|d)"), {"ac", "bcd"}, {"c"});
  expect_texts(regex("a$b|c"), {"c"}, {"ab", "a"});
  expect_texts(regex("x*^y"), {"y"}, {"xy"});
}

TEST(RegexSource, LooksAheadExactly) {
  expect_texts(regex("(?!foo)[a-z]+"), {"fo", "bar", "xfoo"}, {"foo", "food"});
  expect_texts(regex("(?=.*[0-9])[a-z0-9]{3}"), {"ab1", "1ab"}, {"abc"});
  expect_texts(regex("a(?!b)."), {"ac"}, {"ab"});
}

TEST(RegexSource, HardRegexesTakeLinearTime) {
  expect_texts(regex("(x+x+)+y"), {std::string(5000, 'x') + "y"}, {std::string(5000, 'x')});
  expect_texts(regex("(a|aa){500}"), {std::string(500, 'a'), std::string(1000, 'a')},
               {std::string(499, 'a'), std::string(1001, 'a')});
  expect_texts(regex("((a{1000}){1000})?"), {""}, {"a"});
}

TEST(RegexSource, RefusesWhatIsNotRegular) {
  EXPECT_EQ(refusal(regex("(a)\\1")),
            "regex: a back reference is not regular, at byte 5 of the pattern");
  EXPECT_EQ(refusal(regex("\\bx")),
            "regex: a word boundary cannot be enforced, at byte 2 of the pattern");
  EXPECT_EQ(refusal(regex("a{0,1000000}")),
            "regex: a repetition counts over 100000, at byte 11 of the pattern");
  EXPECT_EQ(refusal(regex("[]")), "the grammar matches no text");
  EXPECT_EQ(refusal(regex("(?=a)b")), "the grammar matches no text");
  EXPECT_NE(refusal(regex(std::string(300, '('))), "");
  EXPECT_NE(refusal(regex("(?<=a)b")), "");
  EXPECT_NE(refusal(regex("a**")), "");
  EXPECT_NE(refusal(regex("a)")), "");
  EXPECT_NE(refusal(regex("\xFF")), "");
}

TEST(ChoiceSource, TakesOneOfItsTexts) {
  const GrammarSource source{GrammarKind::choice, "", {"yes", "no", "nobody", "é", ""}};
  expect_texts(source, {"yes", "no", "nobody", "é", ""}, {"y", "nob", "yesno", "\xC3"});
  EXPECT_EQ(refusal({GrammarKind::choice, "", {}}), "the grammar matches no text");
}

}  // namespace
}  // namespace tinyllm
