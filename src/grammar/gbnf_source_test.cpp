#include <fmt/core.h>

#include "grammar/grammar_texts_test.h"

namespace tinyllm {
namespace {

GrammarSource gbnf(const std::string& text) { return {GrammarKind::gbnf, text}; }

// In the style of llama.cpp's json.gbnf.
constexpr const char* kJson = R"(root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws

# a comment
ws ::= | " " | "\n" [ \t]{0,20}
)";

TEST(GbnfSource, ReadsLlamaCppGrammars) {
  expect_texts(gbnf(kJson),
               {"{}", R"({"a": [1, 2.5e3, {"b": null}], "c": "\u00e9\n日"})", "{\n  \"a\":true\n}"},
               {"[]", R"({"a":})", R"({"a": 1,})", R"({"a": "\x"})", "{"});
  expect_texts(gbnf("root ::= (expr \"=\" term \"\\n\")+\nexpr ::= term ([-+*/] term)*\n"
                    "term ::= [0-9]+ | \"(\" expr \")\"\n"),
               {"1+2=3\n", "(1+(2*3))=7\n4=4\n"}, {"1+=3\n", "(1=1\n", ""});
}

TEST(GbnfSource, RecursionToEitherSideAndInBetween) {
  expect_texts(gbnf("root ::= \"a\" root \"b\" | \"\""), {"", "aabb"}, {"aab", "ba"});
  expect_texts(gbnf("root ::= root \"+\" root | [0-9]+"), {"1+2+3", "12"}, {"1+", ""});
  expect_texts(gbnf("root ::= [a-z] root | \"!\""), {std::string(20000, 'q') + "!"}, {"abc"});
  expect_texts(gbnf("root ::= a a a\na ::= b?\nb ::= c | \"x\" b \"x\"\nc ::= \"\" | \"y\""),
               {"", "xyx", "yy", "xxyxxyxx", "xx"}, {"x", "xyxx", "xyxyxyxy"});
  expect_texts(gbnf("root ::= x{2,3}\nx ::= \"(\" x? \")\""), {"()()", "(())()()"},
               {"()", "()()()()"});
}

TEST(GbnfSource, NamesTokensById) {
  expect_texts(gbnf("root ::= <[12]> \"a\""), {"\xFF[12]a"}, {"\xFF[13]a", "a"});
}

// Neither has a first row or a first position that a matcher could hold.
TEST(GbnfSource, RefusesWhatBeginsInTooManyWays) {
  const std::string too_many = "the grammar is too complex: its texts begin in too many ways";
  std::string chain = "root ::= r0\nr50000 ::= \"y\"\n", starts = "root ::= \"z\"";
  for (int i = 0; i < 50000; ++i) chain += fmt::format("r{} ::= r{} | \"x\"\n", i, i + 1);
  for (int i = 0; i < 25000; ++i) starts += fmt::format(" | \"{}\" root", i);
  EXPECT_EQ(refusal(gbnf(chain)), too_many);
  EXPECT_EQ(refusal(gbnf(starts)), too_many);
}

TEST(GbnfSource, RefusesWhatIsWrong) {
  EXPECT_EQ(refusal(gbnf("root ::= foo")), "gbnf: line 1: rule 'foo' is not defined");
  EXPECT_EQ(refusal(gbnf("x ::= \"a\"\n")), "gbnf: line 2: there is no rule 'root'");
  EXPECT_EQ(refusal(gbnf("root ::= root")), "the grammar matches no text");
  EXPECT_NE(refusal(gbnf("root ::= \"a")), "");
  EXPECT_NE(refusal(gbnf("root ::= [a")), "");
  EXPECT_NE(refusal(gbnf("root ::= (\"a\"")), "");
  EXPECT_NE(refusal(gbnf("root ::= \"a\"{3,2}")), "");
  EXPECT_NE(refusal(gbnf("root ::= \"a\"{0,1000000}")), "");
  EXPECT_NE(refusal(gbnf("root ::= \"a\"\nroot ::= \"b\"")), "");
  EXPECT_NE(refusal(gbnf("root ::= !<[3]>")), "");
  EXPECT_NE(refusal(gbnf("root ::= " + std::string(300, '('))), "");
}

// Each rule doubles the one before: 2^40 ways, and as many characters.
TEST(GbnfSource, GrammarsThatDoubleStaySmall) {
  std::string ways = "root ::= r40\nr0 ::= \"a\"\n", texts = ways;
  for (int i = 1; i <= 40; ++i) {
    const std::string name = "r" + std::to_string(i), last = "r" + std::to_string(i - 1);
    ways += name + " ::= " + last + " \"1\" | " + last + " \"2\"\n";
    texts += name + " ::= " + last + " " + last + "\n";
  }
  std::string text = "a";
  for (int i = 0; i < 40; ++i) text += i % 3 == 0 ? "1" : "2";
  expect_texts(gbnf(ways), {text}, {text + "1", text.substr(1)});
  EXPECT_FALSE(takes(Grammar::compile(gbnf(texts)), std::string(1000, 'a')));
}

}  // namespace
}  // namespace tinyllm
