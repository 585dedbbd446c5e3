// Sources made to be slow: what they cost is counted, and bounded.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "grammar/grammar_parts.h"
#include "grammar/matcher.h"

namespace tinyllm {
namespace {

std::string times(int n, const std::string& text) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

std::string each(int n, const std::function<std::string(int)>& text) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text(i);
  return all;
}

struct Family {
  const char* name;
  GrammarKind kind;
  std::function<std::string(int n)> source;
};

const std::vector<Family>& families() {
  using enum GrammarKind;
  static const std::vector<Family> all = {
      {"optional calls of itself", gbnf,
       [](int n) { return "root ::= \"a\" " + times(n, "(\"x\" root)? "); }},
      {"calls of itself", gbnf,
       [](int n) { return "root ::= \"a\" | \"x\" " + times(n, "root "); }},
      {"ways to call itself", gbnf,
       [](int n) { return "root ::= \"a\"" + times(n, " | \"x\" root root"); }},
      {"a chain of rules", gbnf,
       [](int n) {
         return each(n,
                     [](int i) {
                       return fmt::format("r{} ::= r{} r{} | \"x\" r{}\n", i, i + 1, i + 1, i);
                     }) +
                fmt::format("r{} ::= \"a\"\nroot ::= r0", n);
       }},
      {"a chain upwards", gbnf,
       [](int n) {
         return "root ::= r" + std::to_string(n) + "\nr0 ::= \"a\" | root \"b\"\n" +
                each(n, [](int i) {
                  return fmt::format("r{} ::= r{} | r{} \"x\" r0\n", i + 1, i, i);
                });
       }},
      {"a ring of rules that match nothing", gbnf,
       [](int n) {
         return "root ::= \"a\" | r0\n" +
                each(n, [n](int i) { return fmt::format("r{} ::= r{} root\n", i, (i + 1) % n); });
       }},
      {"deep groups", gbnf,
       [](int n) {
         return "root ::= \"a\" | " + times(n / 50, "(" + times(50, "\"x\" ")) + "root" +
                times(n / 50, ")");
       }},
      {"repeats", gbnf,
       [](int n) { return fmt::format("root ::= \"a\" (\"x\" root){{0,{}}}", n / 2); }},
      {"optional letters", regex, [](int n) { return times(n, "a?") + times(n, "a"); }},
      {"a union of words", regex,
       [](int n) {
         return "(" + each(n, [](int i) { return fmt::format("{}w{}", i == 0 ? "" : "|", i); }) +
                ")*";
       }},
      {"nested groups", regex,
       [](int n) { return times(n / 100, "(a|b(") + "c" + times(n / 100, ")*)?"); }},
      {"wide objects", json_schema,
       [](int n) {
         return "{\"properties\": {" +
                each(n,
                     [](int i) {
                       return fmt::format("{}\"p{}\": {{\"type\": \"null\"}}", i == 0 ? "" : ",",
                                          i);
                     }) +
                "}}";
       }},
      {"wide anyOf", json_schema,
       [](int n) {
         return "{\"anyOf\": [" +
                each(n,
                     [](int i) {
                       return fmt::format("{}{{\"const\": {}}}", i == 0 ? "" : ",", i);
                     }) +
                "]}";
       }},
      {"a chain of references", json_schema,
       [](int n) {
         return "{\"$ref\": \"#/$defs/d0\", \"$defs\": {" +
                each(n,
                     [](int i) {
                       return fmt::format("\"d{}\": {{\"items\": {{\"$ref\": \"#/$defs/d{}\"}}}},",
                                          i, i + 1);
                     }) +
                fmt::format("\"d{}\": {{\"type\": \"null\"}}}}}}", n);
       }},
  };
  return all;
}

TEST(HostileGrammars, CostWhatTheyMayOrAreRefused) {
  int n_compiled = 0;
  for (const Family& family : families()) {
    for (const int n : {250, 1000, 4000}) {
      SCOPED_TRACE(fmt::format("{}, {}", family.name, n));
      std::shared_ptr<const Grammar> grammar;
      try {
        grammar = Grammar::compile({family.kind, family.source(n)});
      } catch (const GrammarRefusal&) {
        continue;  // too complex is an answer, too
      }
      ++n_compiled;
      GrammarParts& parts = grammar->parts();
      EXPECT_LE(parts.pool.n_work(), kMaxCompileWork);
      Matcher matcher(grammar);
      const std::string text = "xaxaxxaa";
      matcher.accept_bytes(text);
      EXPECT_LE(matcher.n_bytes(), 3 * kMaxMatcherBytes);
    }
  }
  EXPECT_GE(n_compiled, 25);
}

}  // namespace
}  // namespace tinyllm
