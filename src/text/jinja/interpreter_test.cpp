#include "text/jinja/interpreter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_parse.h"
#include "text/jinja/json.h"
#include "text/jinja/parser.h"

namespace tinyllm::jinja {
namespace {

using Json = nlohmann::ordered_json;

Limits low_limits() {
  Limits limits;
  limits.max_steps = 100'000;
  limits.max_string_bytes = 100'000;
  limits.max_allocated_bytes = 4'000'000;
  return limits;
}

// The rendered text with the user's stretches in brackets.
std::string marked(std::string_view source, const Json& inputs = Json::object()) {
  const Body body = parse_template(source);
  Runtime runtime(Limits{}, 0);
  Scope* scope = runtime.push_scope(nullptr);
  for (const auto& [name, value] : inputs.items()) {
    scope->set(name, value_from_json(runtime, value, Origin::user));
  }
  const MarkedText text = Interpreter(runtime, scope).run(body);
  std::string out;
  std::size_t at = 0;
  for (const TextRange& range : text.user_ranges) {
    out += text.text.substr(at, range.begin - at) + "[" +
           text.text.substr(range.begin, range.end - range.begin) + "]";
    at = range.end;
  }
  return out + text.text.substr(at);
}

std::string error_of(std::string_view source, const Limits& limits = low_limits()) {
  const Body body = parse_template(source);
  try {
    Runtime runtime(limits, 0);
    return "rendered: " + Interpreter(runtime, runtime.push_scope(nullptr)).run(body).text;
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(JinjaMarks, FollowTheUsersBytes) {
  const Json inputs = {{"u", "  Ab,c\n"}, {"d", {{"k\n", "v\""}}}, {"n", 5}};
  EXPECT_EQ(marked("<{{ u }}>", inputs), "<[  Ab,c\n]>");
  EXPECT_EQ(marked("{{ '<' + u + '>' }}", inputs), "<[  Ab,c\n]>");
  EXPECT_EQ(marked("{{ '<' ~ u|trim ~ '>' }}", inputs), "<[Ab,c]>");
  EXPECT_EQ(marked("{{ ('ab' + u.strip() + 'cd')[1:-1] }}", inputs), "b[Ab,c]c");
  EXPECT_EQ(marked("{{ ('ab' ~ u.strip())[::-1] }}", inputs), "[c,bA]ba");
  EXPECT_EQ(marked("{{ (u ~ 'xyz')[-2] }}{{ u[2] }}", inputs), "y[A]");
  EXPECT_EQ(marked("{{ u.split(',')[0]|upper ~ 'z' }}", inputs), "[  AB]z");
  EXPECT_EQ(marked("{{ u.strip().split(',')|join(';') }}", inputs), "[Ab];[c]");
  EXPECT_EQ(marked("{{ u|replace(',', '<x>')|trim }}", inputs), "[Ab]<x>[c]");
  EXPECT_EQ(marked("{{ 'a-b'|replace('-', u|trim) }}", inputs), "a[Ab,c]b");
  EXPECT_EQ(marked("{{ ('x' ~ u)|indent(2, true) }}!", inputs), "  x[  Ab,c]\n!");
  EXPECT_EQ(marked("{{ '%s|%5s' % (u|trim, 'q') }}", inputs), "[Ab,c]|    q");
  EXPECT_EQ(marked("{{ '<{}>'.format(u|trim) }}", inputs), "<[Ab,c]>");
  EXPECT_EQ(marked("{{ d|tojson }}", inputs), "{\"[k\\n]\": \"[v\\\"]\"}");
  EXPECT_EQ(marked("{{ d }}", inputs), "{'[k\\n]': '[v\"]'}");
  EXPECT_EQ(marked("{{ u|trim|e }}{{ '&'|e }}", Json{{"u", "<b>"}}), "[&lt;b&gt;]&amp;");
  EXPECT_EQ(marked("{% for c in u|trim %}-{{ c }}{% endfor %}", inputs), "-[A]-[b]-[,]-[c]");
  EXPECT_EQ(marked("{% set x %}<{{ u|trim }}>{% endset %}{{ x|lower }}", inputs), "<[ab,c]>");
  EXPECT_EQ(marked("{% macro m(x) %}({{ x }}){% endmacro %}{{ m(u|trim) ~ m('y') }}", inputs),
            "([Ab,c])(y)");
  EXPECT_EQ(marked("{{ n + 1 }}{{ u|length }}", inputs), "67");
  EXPECT_EQ(marked("{{ u|trim ~ u|trim }}", inputs), "[Ab,cAb,c]");
}

TEST(JinjaLimits, StepsAreCapped) {
  Limits limits = low_limits();
  limits.max_allocated_bytes = 1 << 30;
  EXPECT_EQ(error_of("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                     limits),
            "chat template, line 1, column 44: the template does not end within 100000 steps");
  EXPECT_EQ(error_of("{% for a in range(9999) %}{% if 'x' in 'a' * 9999 %}{% endif %}{% endfor %}",
                     limits),
            "chat template, line 1, column 33: the template does not end within 100000 steps");
}

TEST(JinjaLimits, LongTextsAndManyNamesAreCharged) {
  Limits limits = low_limits();
  limits.max_string_bytes = 1 << 20;
  limits.max_allocated_bytes = 1 << 30;
  limits.max_steps = 1'000'000;
  const auto ends_in = [&](const std::string& source, const char* words) {
    EXPECT_NE(error_of(source, limits).find(words), std::string::npos) << source;
  };
  constexpr const char* kSteps = "does not end within 1000000 steps";
  const std::string begin = "{% set x = 'a' * 1000000 %}{% for i in range(9999) %}{{ ";
  for (const char* call : {"x.startswith(x)", "x.endswith(x)", "x.startswith((x, x))",
                           "x.startswith('a', 1)", "x.isascii()"})
    ends_in(begin + call + " }}{% endfor %}", kSteps);
  std::string names = "{% set n = namespace() %}", attributes = names;
  for (int i = 0; i < 5000; ++i) {
    names += fmt::format("{{% set v{} = 1 %}}", i);
    attributes += fmt::format("{{% set n.v{} = 1 %}}", i);
  }
  ends_in(names + "{% for i in range(9999) %}{{ v4999 }}{% endfor %}", kSteps);
  ends_in(attributes + "{% for i in range(9999) %}{{ n.v4999 }}{% endfor %}", kSteps);
  limits.max_steps = 1ULL << 60;
  limits.max_seconds = 0.01;
  ends_in("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
          "does not end within 0.01 seconds");
}

TEST(JinjaLimits, TextsAreCapped) {
  EXPECT_EQ(error_of("{{ ('a' * 1000000000000)|length }}"),
            "chat template, line 1, column 5: the template makes a text of more than 100000 bytes");
  EXPECT_EQ(error_of("{{ 'a'.center(10 ** 15) }}"),
            "chat template, line 1, column 7: the template makes a text of more than 100000 bytes");
  EXPECT_EQ(error_of("{{ '%999999d' % 1 }}"),
            "chat template, line 1, column 4: the template makes a text of more than 100000 bytes");
  EXPECT_EQ(
      error_of("{% set x = 'a' * 9999 %}{{ x|replace('a', x) }}"),
      "chat template, line 1, column 30: the template makes a text of more than 100000 bytes");
  EXPECT_EQ(
      error_of("{% set n = namespace(s='ab') %}{% for i in range(99) %}"
               "{% set n.s = n.s ~ n.s %}{% endfor %}"),
      "chat template, line 1, column 69: the template makes a text of more than 100000 bytes");
  EXPECT_EQ(
      error_of("{% for i in range(9999) %}0123456789ab{% endfor %}"),
      "chat template, line 1, column 27: the template makes a text of more than 100000 bytes");
}

TEST(JinjaLimits, MemoryIsCapped) {
  EXPECT_EQ(
      error_of("{{ ([1] * 1000000000000)|length }}"),
      "chat template, line 1, column 5: the template needs more than 4000000 bytes of memory");
  EXPECT_EQ(error_of("{{ range(1000000000000) }}"),
            "chat template, line 1, column 4: range has more than 100000 items");
}

TEST(JinjaLimits, NestingIsCapped) {
  EXPECT_EQ(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
            "chat template, line 1, column 19: the template nests more than 600 levels deep at run "
            "time");
  EXPECT_EQ(error_of("{% set n = namespace(l=[]) %}{% for i in range(999) %}"
                     "{% set n.l = [n.l] %}{% endfor %}"),
            "chat template, line 1, column 68: values are nested more than 200 levels deep");
  EXPECT_EQ(error_of("{% set n = namespace() %}{% set n.me = [n] %}{{ n }}"),
            "chat template, line 1, column 46: the template nests more than 600 levels deep at run "
            "time");
}

TEST(JinjaLimits, SharedNestingIsNoShortcut) {  // 2^60 comparisons or bytes
  EXPECT_EQ(error_of("{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}"
                     "{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}{% endfor %}"
                     "{{ n.a == n.b }}"),
            "chat template, line 1, column 129: the template does not end within 100000 steps");
  EXPECT_EQ(
      error_of("{% set n = namespace(a=[]) %}{% for i in range(60) %}"
               "{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a|tojson }}"),
      "chat template, line 1, column 99: the template makes a text of more than 100000 bytes");
}

TEST(JinjaLimits, IntegersDoNotWrap) {
  EXPECT_EQ(error_of("{{ 9223372036854775807 + 1 }}"), "rendered: 9223372036854775808");
  EXPECT_EQ(error_of("{{ 9223372036854775807 * -2 }}"), "rendered: -18446744073709551614");
  EXPECT_EQ(error_of("{{ 10 ** 20 + 1 - 10 ** 20 }}"), "rendered: 1");
  EXPECT_EQ(error_of("{{ (-9223372036854775807 - 1) // -1 }}"), "rendered: 9223372036854775808");
  EXPECT_EQ(error_of("{{ (-9223372036854775807 - 1) % -1 }}"), "rendered: 0");
  EXPECT_EQ(error_of("{{ 10 ** 5000 }}"),
            "chat template, line 1, column 4: a whole number of more than 4300 digits");
  EXPECT_EQ(error_of("{{ 7 ** (10 ** 15) }}"),
            "chat template, line 1, column 4: a whole number of more than 4300 digits");
  EXPECT_EQ(error_of("{{ 10 ** 30 / 10 ** 20 }}"),
            "chat template, line 1, column 4: / with a whole number of more than 64 bits");
}

TEST(JinjaNumbers, OfAnySizeStayAsTheyAreWritten) {
  const Json inputs = parse_ordered_json(
      R"({"a": 123456789012345678901, "b": -18446744073709551616, "c": 18446744073709551615})",
      "t");
  EXPECT_EQ(marked("{{ a }} {{ [a, b] }} {{ c|tojson }} {{ {'x': b}|tojson }}", inputs),
            "123456789012345678901 [123456789012345678901, -18446744073709551616] "
            "18446744073709551615 {\"x\": -18446744073709551616}");
  EXPECT_EQ(marked("{{ a > b }} {{ a == a }} {{ c < a }} {{ a < 1e30 }} {{ a > 1.5 }}", inputs),
            "True True True True True");
  EXPECT_EQ(
      marked("{{ a is integer }} {{ a is odd }} {{ b is even }} {{ b|abs }} {{ -b }}", inputs),
      "True True True 18446744073709551616 18446744073709551616");
  EXPECT_EQ(marked("{{ '%d|%25d' % (a, b) }} {{ '{:,}'.format(c) }}", inputs),
            "123456789012345678901|    -18446744073709551616 18,446,744,073,709,551,615");
  EXPECT_EQ(marked("{{ '99999999999999999999'|int + 1 }} {{ b // 7 }} {{ b % 7 }}", inputs),
            "100000000000000000000 -2635249153387078803 5");
}

TEST(JinjaFormats, KeepTheMarksOfWhatTheyPad) {
  const Json inputs = {{"u", "ab"}};
  EXPECT_EQ(marked("{{ '<{:>5}|{:.1}>'.format(u, u) }}", inputs), "<   [ab]|[a]>");
  EXPECT_EQ(marked("{{ '%5s|%.1s' % (u, u) }}", inputs), "   [ab]|[a]");
  EXPECT_EQ(marked("{{ (u ~ '<i>' ~ u)|striptags }}{{ u|urlencode }}", inputs), "[ababab]");
  EXPECT_EQ(
      error_of("{{ '{:>999999999}'.format(1) }}"),
      "chat template, line 1, column 19: the template makes a text of more than 100000 bytes");
}

TEST(JinjaLoops, RecursiveOnesAreCapped) {
  EXPECT_EQ(error_of("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"),
            "chat template, line 1, column 29: the template nests more than 600 levels deep at run "
            "time");
  EXPECT_EQ(error_of("{% for x in [1] %}{{ loop([1]) }}{% endfor %}"),
            "chat template, line 1, column 22: the loop must have the 'recursive' marker to be "
            "called");
  // A loop that is kept lives as long as the template runs.
  EXPECT_EQ(error_of("{% set n = namespace() %}{% if true %}{% with y = 5 %}"
                     "{% for x in [1] recursive %}{{ y }}{{ x }}{% set n.l = loop %}{% endfor %}"
                     "{% endwith %}{% endif %}{{ n.l([2]) }}"),
            "rendered: 5152");
}

TEST(JinjaBlocks, StandInTheirPlaceAndSeeTheTop) {
  EXPECT_EQ(error_of("{% set a = 1 %}{% for x in [2] %}{% block b %}{{ a }}{{ x }}{% endblock b %}"
                     "{% block c scoped %}{{ x }}{% endblock %}{% endfor %}"),
            "rendered: 12");
}

TEST(JinjaScopes, UnsupportedFunctionsAreNamed) {
  EXPECT_EQ(error_of("{{ lipsum() }}"),
            "chat template, line 1, column 4: function 'lipsum' is not supported");
  EXPECT_EQ(error_of("{% macro lipsum() %}x{% endmacro %}{{ lipsum() }}"), "rendered: x");
}

TEST(JinjaScopes, JoinersAndCyclers) {
  EXPECT_EQ(
      error_of("{% set j = joiner('; ') %}{% for x in [1, 2, 3] %}{{ j() }}{{ x }}{% endfor %}"),
      "rendered: 1; 2; 3");
  EXPECT_EQ(error_of("{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}"
                     "{{ c.next() }}{{ c.reset() }}{{ c.current }}"),
            "rendered: abbaNonea");
}

TEST(JinjaScopes, UnknownFiltersAreNamedWhenTheirBranchRuns) {
  EXPECT_EQ(error_of("{% if true %}\n{{ 1|nope }}{% endif %}"),
            "chat template, line 2, column 6: filter 'nope' is not known");
  EXPECT_EQ(error_of("{{ (1 is nope) if true }}"),
            "chat template, line 1, column 10: test 'nope' is not known");
  EXPECT_EQ(error_of("{{ 1|nope if false else 'b' }}"), "rendered: b");
}

TEST(JinjaScopes, MacrosKeepTheirPlaceAlive) {
  EXPECT_EQ(marked("{% set n = namespace() %}{% for i in [1, 2] %}{% set x = i * 10 %}"
                   "{% macro m() %}{{ x }}{% endmacro %}{% set n.f = m %}{% endfor %}{{ n.f() }}"),
            "20");
}

}  // namespace
}  // namespace tinyllm::jinja
