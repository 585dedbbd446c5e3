#include "text/jinja/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "text/jinja/lexer.h"

namespace tinyllm::jinja {
namespace {

// "line:column kind text" of every token.
std::string tokens_of(std::string_view source) {
  std::string all;
  for (const Token& token : tokenize(source)) {
    all += fmt::format("{}:{} {} '{}'\n", token.position.line, token.position.column,
                       static_cast<int>(token.kind), token.text);
  }
  return all;
}

std::string parse_error_of(std::string_view source) {
  try {
    parse_template(source);
    return "parsed";
  } catch (const Error& error) {
    const std::string code = error.code() == ErrorCode::unsupported ? "unsupported: " : "";
    return code + error.what();
  }
}

std::string at(int line, int column, const std::string& message) {
  return fmt::format("chat template, line {}, column {}: {}", line, column, message);
}

TEST(JinjaLexer, TokensCarryLineAndColumn) {
  EXPECT_EQ(tokens_of("a\n é{{ x.y }}\n{%- set z = 'b' %}"),
            "1:1 0 'a\n é'\n"
            "2:3 1 '{{'\n"
            "2:6 5 'x'\n"
            "2:7 9 '.'\n"
            "2:8 5 'y'\n"
            "2:10 2 '}}'\n"
            "3:1 3 '{%'\n"
            "3:5 5 'set'\n"
            "3:9 5 'z'\n"
            "3:11 9 '='\n"
            "3:13 6 'b'\n"
            "3:17 4 '%}'\n"
            "3:19 10 ''\n");
}

TEST(JinjaLexer, RefusesUnfinishedTokens) {
  EXPECT_EQ(parse_error_of("a\n{# b"), at(2, 1, "this comment has no end, \"#}\" is missing"));
  EXPECT_EQ(parse_error_of("{% raw %} b"),
            at(1, 1, "this raw block has no end, {% endraw %} is missing"));
  EXPECT_EQ(parse_error_of("é {{ 1"), at(1, 3, "this tag has no end, \"}}\" is missing"));
  EXPECT_EQ(parse_error_of("{{ 'a }}"), at(1, 4, "this string has no end"));
  EXPECT_EQ(parse_error_of("{{ (1] }}"), at(1, 6, "unexpected ']', expected ')'"));
  EXPECT_EQ(parse_error_of("{{ 1) }}"), at(1, 5, "unexpected ')'"));
  EXPECT_EQ(parse_error_of("{{ a ? b }}"), at(1, 6, "unexpected character '?'"));
  EXPECT_EQ(parse_error_of("{{ '\\xg' }}"), at(1, 4, "bad escape \\x in a string"));
  EXPECT_EQ(parse_error_of("{{ '\\ud800' }}"), at(1, 4, "bad escape \\ud800 in a string"));
  EXPECT_EQ(parse_error_of("{{ 1" + std::string(5000, '0') + " }}"),
            "unsupported: " + at(1, 4, "an integer of 5001 digits"));
}

TEST(JinjaParser, RefusesBrokenStatements) {
  EXPECT_EQ(parse_error_of("\n {% nope x %}"), at(2, 5, "tag 'nope' is not known here"));
  EXPECT_EQ(parse_error_of("{% if x %}\ny"),
            at(2, 2, "the template ends where {% elif %} or {% else %} or {% endif %} is missing"));
  EXPECT_EQ(parse_error_of("{% endfor %}"), at(1, 4, "tag 'endfor' is not known here"));
  EXPECT_EQ(parse_error_of("{% for x of y %}{% endfor %}"), at(1, 10, "expected 'in', found 'of'"));
  EXPECT_EQ(parse_error_of("{% break %}"), at(1, 4, "'break' outside of a loop"));
  EXPECT_EQ(
      parse_error_of("{% for i in x %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}"),
      at(1, 35, "'continue' outside of a loop"));
  EXPECT_EQ(parse_error_of("{% set true = 1 %}"), at(1, 8, "cannot assign to 'true'"));
  EXPECT_EQ(parse_error_of("{% set 1 = 1 %}"), at(1, 8, "expected a name to assign to, found '1'"));
  EXPECT_EQ(parse_error_of("{% if a = 1 %}"), at(1, 9, "expected '%}', found '='"));
  EXPECT_EQ(parse_error_of("{% macro m(a=1, b) %}"),
            at(1, 17, "parameter 'b' without a default follows one with a default"));
  EXPECT_EQ(parse_error_of("{% call x %}"), at(1, 4, "expected a call behind 'call'"));
}

TEST(JinjaParser, RefusesBrokenExpressions) {
  EXPECT_EQ(parse_error_of("{{ }}"),
            at(1, 4, "expected an expression, found 'end of print statement'"));
  EXPECT_EQ(parse_error_of("{{ 1 + }}"),
            at(1, 8, "expected an expression, found 'end of print statement'"));
  EXPECT_EQ(parse_error_of("{{ 1 2 }}"), at(1, 6, "expected '}}', found '2'"));
  EXPECT_EQ(parse_error_of("{{ a. }}"), at(1, 7, "expected a name or number behind '.'"));
  EXPECT_EQ(parse_error_of("{{ f(a=1, 2) }}"), at(1, 5, "invalid order of call arguments"));
  EXPECT_EQ(parse_error_of("{{ 1 is odd is even }}"),
            at(1, 13, "tests cannot be chained with 'is'"));
}

TEST(JinjaParser, RefusesWhatIsNotSupportedByName) {
  EXPECT_EQ(parse_error_of("{{ 1|\n  urlize }}"),
            "unsupported: " + at(2, 3, "filter 'urlize' is not known"));
  EXPECT_EQ(parse_error_of("{{ 1 is nope }}"),
            "unsupported: " + at(1, 9, "test 'nope' is not known"));
  EXPECT_EQ(parse_error_of("{% include 'x' %}"),
            "unsupported: " + at(1, 4, "tag 'include' is not supported"));
  EXPECT_EQ(parse_error_of("{{ 'a'.encode() }}"),
            "unsupported: " + at(1, 8, "method 'encode' is not supported"));
  EXPECT_EQ(parse_error_of("{% block a %}{% endblock %}{% block a %}{% endblock %}"),
            at(1, 37, "block 'a' is there twice"));
}

// As Jinja2 does: what a branch calls may be missing as long as the branch does not run, but a body
// with variables of its own is not excused by the branch around it.
TEST(JinjaParser, UnknownNamesInBranchesWaitForTheRender) {
  EXPECT_EQ(parse_error_of("{% if x|nope %}{{ 1|nope }}{% elif 1 is nope %}{% else %}{{ 1|nope }}"
                           "{% endif %}{{ 1|nope if x else y|nope }}"),
            "parsed");
  EXPECT_EQ(parse_error_of("{{ (1|nope if x) + 2|nope }}"),
            "unsupported: " + at(1, 22, "filter 'nope' is not known"));
  EXPECT_EQ(parse_error_of("{% if x %}{% for y in z|nope %}{% endfor %}{% endif %}{{ 1|nope2 }}"),
            "unsupported: " + at(1, 60, "filter 'nope2' is not known"));
  EXPECT_EQ(parse_error_of("{% if x %}{% for y in z %}{{ y is nope }}{% endfor %}{% endif %}"),
            "unsupported: " + at(1, 35, "test 'nope' is not known"));
  EXPECT_EQ(parse_error_of("{% if x %}{% macro m() %}{{ 1|nope }}{% endmacro %}{% endif %}"),
            "unsupported: " + at(1, 31, "filter 'nope' is not known"));
}

TEST(JinjaParser, NestingIsCapped) {
  const auto nested = [](const std::string& open, const std::string& core, const std::string& close,
                         int n) {
    std::string source;
    for (int i = 0; i < n; ++i) source += open;
    source += core;
    for (int i = 0; i < n; ++i) source += close;
    return source;
  };
  EXPECT_EQ(parse_error_of("{{ " + nested("(", "1", ")", 50) + " }}"), "parsed");
  EXPECT_EQ(parse_error_of("{{ " + nested("(", "1", ")", 100'000) + " }}"),
            "unsupported: " + at(1, 204, "template is nested more than 200 levels deep"));
  EXPECT_EQ(parse_error_of("{{ " + nested("not ", "1", "", 100'000) + " }}"),
            "unsupported: " + at(1, 800, "template is nested more than 200 levels deep"));
  EXPECT_EQ(parse_error_of("{{ " + nested("-", "1", "", 100'000) + " }}"),
            "unsupported: " + at(1, 203, "template is nested more than 200 levels deep"));
  EXPECT_EQ(parse_error_of("{{ 1" + nested("+1", "", "", 100'000) + " }}"),
            "unsupported: " + at(1, 4, "expression is nested more than 200 levels deep"));
  EXPECT_EQ(parse_error_of("{{ x" + nested("|trim", "", "", 100'000) + " }}"),
            "unsupported: " + at(1, 1001, "expression is nested more than 200 levels deep"));
  EXPECT_EQ(parse_error_of("{{ x" + nested(".y", "", "", 100'000) + " }}"),
            "unsupported: " + at(1, 403, "expression is nested more than 200 levels deep"));
  EXPECT_EQ(parse_error_of(nested("{% if 1 %}", "", "{% endif %}", 40'000)),
            "unsupported: " + at(1, 2007, "template is nested more than 200 levels deep"));
  EXPECT_EQ(parse_error_of(std::string(2'000'000, 'x')),
            "unsupported: chat template: is 2000000 bytes, must be at most 1048576");
}

TEST(JinjaParser, LongElifChainsAreNotNested) {
  std::string source = "{% if x == 0 %}";
  for (int i = 1; i < 2000; ++i) source += fmt::format("{{% elif x == {} %}}", i);
  EXPECT_EQ(parse_error_of(source + "{% endif %}"), "parsed");
}

}  // namespace
}  // namespace tinyllm::jinja
