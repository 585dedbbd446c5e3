// Thinking before the text, and structures instead of it.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "grammar/grammar_texts_test.h"
#include "grammar/sources.h"

namespace tinyllm {
namespace {

GrammarSource digits_after(const GrammarThinking& thinking) {
  GrammarSource source{GrammarKind::regex, "[0-9]+"};
  source.thinking = thinking;
  return source;
}

TEST(ThinkingSource, TheTextComesFirstOrBehindTheThinking) {
  expect_texts(digits_after({.begins = {"<think>", "Hm:"}, .ends = {"</think>", "So:"}}),
               {"12", "<think></think>12", "<think>1 < 2 </thin é\n</think>\n\n12", "Hm: x So:1"},
               {"", "<think>", "<think>12", "<think></think>", "</think>12", "x</think>1",
                "<think></think></think>1", "<think></think>\n\n\n\n\n1", "<think>a</think>b"});
}

TEST(ThinkingSource, ThinkingThatHasBegunMustEnd) {
  expect_texts(digits_after({.begins = {"<think>"}, .ends = {"</think>"}, .has_begun = true}),
               {"</think>7", "<think></think>7", "I say 7.</think>\n7"},
               {"7", "I say", "</think>"});
}

TEST(ThinkingSource, StructuresInsteadOfTheText) {
  GrammarSource source{GrammarKind::json_schema, R"({"const": 1})"};
  source.or_added = {
      "f", [](ExprPool& pool, RuleSet& rules) {
        return add_structures(
            R"({"structures": [{"begin": "<f=a>", "schema": {"type": "integer"}, "end": "</f>"},
                                              {"begin": "<f=b>", "schema": {"const": null}, "end": "</f>"}],
                               "triggers": ["<f="]})",
            StructuresAs::one, pool, rules);
      }};
  expect_texts(
      source, {"1", "<f=a>3</f>", "<f=b>null</f>"},
      {"", "2", "<f=a>null</f>", "<f=c>1</f>", "1<f=a>3</f>", "<f=a>3</f>1", "<f=a>3</f>x"});
  source.thinking = {.begins = {"<think>"}, .ends = {"</think>"}};
  expect_texts(source, {"<think><f=c></think>1", "<think>.</think>\n<f=a>3</f>", "<f=a>3</f>"},
               {"<think>.</think>2", "<think>.</think><f=a>x</f>"});
}

TEST(Structures, OneOrAList) {
  const std::string tag =
      R"({"structures": [{"begin": "{\"a\": ", "schema": {"$ref": "#/$defs/x", "$defs": {"x": {"const": 1}}}, "end": "}"},
                         {"begin": "{\"b\": ", "schema": {"$ref": "#/$defs/x", "$defs": {"x": {"const": 2}}}, "end": "}"}],
          "triggers": ["{"]})";
  expect_texts({GrammarKind::structure, tag}, {R"({"a": 1})", R"({"b": 2})"},
               {"", R"({"a": 2})", R"({"b": 1})", R"([{"a": 1}])", R"({"a": 1}{"b": 2})"});
  std::string longest = R"([{"a": 1})", too_long;
  for (int i = 1; i < kMaxListed; ++i) longest += R"(, {"b": 2})";
  too_long = longest + R"(, {"b": 2}])";
  longest += "]";
  expect_texts({GrammarKind::structures, tag},
               {R"([{"a": 1}])", "[\n {\"b\": 2} ,{\"a\": 1}\n]", longest},
               {"[]", R"({"a": 1})", R"([{"a": 1},])", R"([{"a": 2}])", too_long});
  std::string many;
  for (int i = 0; i < 512; ++i)
    many += fmt::format(R"({}{{"begin": "f{} ", "schema": {{"type": "object"}}, "end": ""}})",
                        i == 0 ? "" : ",", i);
  expect_texts(
      {GrammarKind::structures, fmt::format(R"({{"structures": [{}], "triggers": ["f"]}})", many)},
      {R"([f511 {"a": 1}])"}, {"[f512 {}]"});
  EXPECT_NE(refusal({GrammarKind::structure,
                     R"({"structures": [{"begin": "f", "schema": {"$ref": "#/no"},)"
                     R"( "end": ""}], "triggers": ["f"]})"})
                .find("behind 'f'"),
            std::string::npos);
}

}  // namespace
}  // namespace tinyllm
