// What the grammars of held calls let through, read by the machine that reads answers: every call that
// it finds follows the schema of its function, and none is broken.

#include "tool_call/held_calls.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/json_parse.h"
#include "grammar/grammar_texts_test.h"
#include "grammar/grammar_vocabulary.h"
#include "tool_call/answer_parser.h"

namespace tinyllm {
namespace {

using Wanted = HeldCalls::Wanted;

constexpr const char* kSchema = R"({"type": "object", "properties": {
  "city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9},
  "unit": {"enum": ["C", "F"]}, "code": {"type": "string", "pattern": "^[a-c]{2,3}$"}, "flag": {"type": "boolean"},
  "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "maxItems": 2}, "note": {"type": ["string", "null"]},
  "free": {}}, "required": ["city", "unit"], "additionalProperties": false, "$defs": {"tag": {"type": "string"}}})";

std::shared_ptr<const nlohmann::ordered_json> tools() {
  static const auto tools = std::make_shared<const nlohmann::ordered_json>(parse_ordered_json(
      fmt::format(R"([{{"type": "function", "function": {{"name": "weather", "parameters": {}}}}},
                      {{"type": "function", "function": {{"name": "now", "parameters":
                        {{"type": "object", "additionalProperties": false}}}}}}])",
                  kSchema),
      "tools"));
  return tools;
}

// Terminals as special tokens, as models of the format have them, or as ordinary text.
struct Marks {
  bool are_special;
  static bool looks_special(std::string_view terminal) {
    return terminal.starts_with("<|") || terminal.starts_with("<｜") || terminal.starts_with("[T");
  }
  std::optional<TokenId> id_of(std::string_view terminal) const {
    if (!are_special || !looks_special(terminal)) return std::nullopt;
    static std::vector<std::string> known;
    const auto found = std::ranges::find(known, terminal);
    if (found == known.end()) {
      known.emplace_back(terminal);
      return static_cast<TokenId>(known.size()) - 1;
    }
    return static_cast<TokenId>(found - known.begin());
  }
};

std::shared_ptr<const Grammar> grammar_of(const ToolFormat& format, Wanted wanted,
                                          const Marks& marks, const std::string& only = "") {
  GrammarSource source{GrammarKind::added};
  source.added = held_calls({.format = &format, .tools = tools(), .only = only, .wanted = wanted},
                            [&](std::string_view terminal) { return marks.id_of(terminal); });
  return Grammar::compile(source);
}

// The text as tokens: special ones apart.
AnswerParser::Events read(const ToolFormat& format, const Marks& marks, std::string_view text) {
  const auto is_special = [&](std::string_view t) { return marks.id_of(t).has_value(); };
  AnswerParser parser(make_answer_format(&format, nullptr, CallReading::named, is_special),
                      std::make_shared<const ToolTypes>(*tools()));
  AnswerParser::Events events;
  while (!text.empty()) {
    const std::size_t special = text.find('\xFF');
    parser.push(text.substr(0, special), false, events);
    text.remove_prefix(std::min(special, text.size()));
    if (text.empty()) break;
    const std::size_t end = text.find(']') + 1;
    for (const FormatState& state : format.states) {
      for (const FormatEdge& edge : state.edges) {
        const auto id = marks.id_of(edge.terminal);
        if (!id || special_token_bytes(*id) != text.substr(0, end)) continue;
        parser.push(edge.terminal, true, events);
        text.remove_prefix(end);
        goto taken;
      }
    }
    ADD_FAILURE() << "no such token: " << text.substr(0, end);
    return events;
  taken:;
  }
  parser.finish(events);
  return events;
}

struct Called {
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments
  std::string content, error;
};

Called called(const AnswerParser::Events& events) {
  Called called;
  for (const AnswerEvent& event : events) {
    if (event.kind == AnswerEvent::Kind::call_begins) called.calls.emplace_back(event.name, "");
    if (event.kind == AnswerEvent::Kind::call_arguments) called.calls.back().second += event.text;
    if (event.kind == AnswerEvent::Kind::content) called.content += event.text;
    if (event.kind == AnswerEvent::Kind::call_failed) called.error += event.error + event.text;
  }
  return called;
}

bool follows(const std::string& name, const std::string& arguments) {
  static const auto weather = Grammar::compile({GrammarKind::json_schema, kSchema});
  static const auto now = Grammar::compile({GrammarKind::json_schema, R"({"maxProperties": 0})"});
  return takes(name == "now" ? now : weather, arguments);
}

// Words that a walk tries to write: terminals, and what stands between them.
std::vector<std::string> words_of(const ToolFormat& format, const Marks& marks) {
  std::vector<std::string> words = {"weather",
                                    "now",
                                    "{\"name\": \"",
                                    "\"arguments\": {",
                                    "\"parameters\": {",
                                    "city",
                                    "unit",
                                    "days",
                                    "code",
                                    "flag",
                                    "tags",
                                    "note",
                                    "free",
                                    "\"city\": \"Oslo\"",
                                    "\"unit\": \"C\"",
                                    "C",
                                    "5",
                                    "null",
                                    "true",
                                    "ab",
                                    "[",
                                    "{",
                                    "}",
                                    "]",
                                    "(",
                                    ")",
                                    "=",
                                    ",",
                                    "\"",
                                    "\n",
                                    " ",
                                    "</parameter>",
                                    "\n</parameter>\n",
                                    "functions.weather",
                                    "functions.now",
                                    "analysis",
                                    "commentary",
                                    "final",
                                    "hello",
                                    "json",
                                    "é",
                                    "\"name\"",
                                    "\\",
                                    "weather(city=\"x\", ",
                                    "]\n"};
  for (const FormatState& state : format.states) {
    for (const FormatEdge& edge : state.edges) {
      const auto id = marks.id_of(edge.terminal);
      for (int i = 0; i < 4; ++i)
        words.push_back(id ? special_token_bytes(*id) : std::string(edge.terminal));
    }
  }
  return words;
}

class Walk {
 public:
  Walk(std::shared_ptr<const Grammar> grammar, const std::vector<std::string>& words, unsigned seed)
      : matcher_(std::move(grammar)), words_(words), random_(seed) {}

  // A text that may end, or as far as it came.
  bool go(int n_steps) {
    for (int i = 0; i < n_steps; ++i) step(random_() % 8 == 0);
    for (int i = 0; i < 400 && !matcher_.may_end(); ++i) step(random_() % 3 == 0);
    return matcher_.may_end() && !matcher_.failed();
  }
  const std::string& text() const { return text_; }

 private:
  void step(bool any_byte) {
    while (const auto forced = forced_byte()) {
      text_ += *forced;
      matcher_.accept_bytes({&*forced, 1});
    }
    if (!any_byte) {
      const std::string& word = words_[random_() % words_.size()];
      text_ += word.substr(0, matcher_.accept_bytes(word));
      return;
    }
    const ByteSet bytes = matcher_.next_bytes();
    for (int i = 0; i < 64; ++i) {
      const auto byte =
          static_cast<std::uint8_t>(random_() % 3 == 0 ? random_() : 32 + random_() % 95);
      if (!bytes.contains(byte)) continue;
      const char c = static_cast<char>(byte);
      text_ += std::string(matcher_.accept_bytes({&c, 1}), c);
      return;
    }
  }

  std::optional<char> forced_byte() {
    const ByteSet bytes = matcher_.next_bytes();
    std::optional<char> only;
    for (int byte = 0; byte < 256; ++byte) {
      if (!bytes.contains(static_cast<std::uint8_t>(byte))) continue;
      if (only) return std::nullopt;
      only = static_cast<char>(byte);
    }
    return only;
  }

  Matcher matcher_;
  const std::vector<std::string>& words_;
  std::mt19937 random_;
  std::string text_;
};

TEST(HeldCalls, EveryCallOfARandomTextFollowsItsSchema) {
  for (const ToolFormat& format : tool_formats()) {
    for (const bool are_special : {false, true}) {
      const Marks marks{are_special};
      const auto grammar = grammar_of(format, Wanted::maybe, marks);
      const std::vector<std::string> words = words_of(format, marks);
      int n_calls = 0, n_arguments = 0, n_whole = 0;
      for (unsigned seed = 0; seed < 300; ++seed) {
        Walk walk(grammar, words, seed);
        const bool is_whole = walk.go(40 + static_cast<int>(seed % 80));
        const Called got = called(read(format, marks, walk.text()));
        if (!is_whole) continue;
        ++n_whole;
        SCOPED_TRACE(fmt::format("{}, special {}, seed {}: {}", format.name, are_special, seed,
                                 walk.text()));
        EXPECT_EQ(got.error, "");
        for (const auto& [name, arguments] : got.calls) {
          EXPECT_TRUE(follows(name, arguments)) << name << " " << arguments;
          ++n_calls;
          n_arguments += arguments.size() > 2 ? 1 : 0;
        }
        if (testing::Test::HasFailure()) return;
      }
      EXPECT_GT(n_whole, 100) << format.name << are_special;
      EXPECT_GT(n_calls, 30) << format.name << are_special;
      EXPECT_GT(n_arguments, 3) << format.name << are_special;
    }
  }
}

TEST(HeldCalls, AForcedAnswerIsCallsAndNothingElse) {
  for (const ToolFormat& format : tool_formats()) {
    for (const Wanted wanted : {Wanted::one, Wanted::some}) {
      const Marks marks{true};
      const std::string only = wanted == Wanted::one ? "now" : "";
      const auto grammar = grammar_of(format, wanted, marks, only);
      const std::vector<std::string> words = words_of(format, marks);
      int n_whole = 0;
      for (unsigned seed = 0; seed < 200; ++seed) {
        Walk walk(grammar, words, seed);
        if (!walk.go(10 + static_cast<int>(seed % 60))) continue;
        ++n_whole;
        SCOPED_TRACE(fmt::format("{}, seed {}: {}", format.name, seed, walk.text()));
        const Called got = called(read(format, marks, walk.text()));
        EXPECT_EQ(got.error + got.content, "");
        EXPECT_GE(got.calls.size(), 1u);
        EXPECT_LE(got.calls.size(), wanted == Wanted::one ? 1u : kMaxListed * 2u);
        for (const auto& [name, arguments] : got.calls) {
          EXPECT_TRUE(follows(name, arguments)) << name << " " << arguments;
          EXPECT_TRUE(only.empty() || name == only);
        }
        if (testing::Test::HasFailure()) return;
      }
      EXPECT_GT(n_whole, 20) << format.name;
    }
  }
}

struct Sample {
  std::string_view format;
  std::vector<std::string> right, wrong;
};

const std::vector<Sample> kSamples = {
    {"hermes",
     {"No tool is needed: {\"name\": \"weather\"}.", "{\"name\": \"Bob\"}", "[1]",
      R"(I look.
<tool_call>
{"name": "weather", "arguments": {"city": "</tool_call>", "unit": "C"}}
</tool_call>)",
      R"(<tool_call>
{"name": "now", "arguments": {}}
</tool_call>
<tool_call>
{"name": "now", "arguments": {}}
</tool_call>)",
      "{\"name\": \"now\", \"arguments\": {}}",
      "So:\n```json\n{\n  \"name\": \"now\",\n  \"arguments\": {}\n}\n```",
      "```json\n{\"name\": \"Bob\", \"age\": 3}\n```",
      "```json\n[{\"name\": \"now\", \"arguments\": {}}]\n```"},
     {"<tool_call>no", "<tool_call>{\"name\": \"then\"",
      "{\"name\": \"weather\", \"arguments\": {}}",
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": 3",
      "```json\n{\"name\": \"now\", \"arguments\": {\"a\"",
      R"(```json
{"name": "now", "arguments": {}}
{"name": "now", "arguments": {"a")"}},
    {"qwen3_coder",
     {"<tool_call>\n<function=weather>\n<parameter=city>\nNew\nYork\n</"
      "parameter>\n<parameter=days>\n3\n</parameter>\n"
      "<parameter=unit>\nC\n</parameter>\n</function>\n</tool_call>",
      "<function=now>\n</function>",
      "<function=weather><parameter=city></parameter><parameter=unit>F</parameter></function>"},
     {"<function=now><parameter=", "<function=weather></function>",
      "<function=weather><parameter=unit>",
      "<function=weather><parameter=city>x</parameter><parameter=days>10",
      "<function=weather><parameter=city>x</parameter><parameter=unit>K",
      R"(<function=weather><parameter=city>x</parameter><parameter=unit>C</parameter><parameter=code>

ab)"}},
    {"llama3_json",
     {"{\"name\": \"weather\", \"parameters\": {\"city\": \"x\", \"unit\": \"C\"}}",
      "{\"name\": \"Bob\"}", "{\"parameters\": 1, \"name\": \"now\"}",
      "{\"name\": \"now\", \"parameters\": {}}; {\"name\": \"now\", \"parameters\": {}}"},
     {"{\"name\": \"weather\", \"parameters\": {}}", " {\"name\":\"now\", \"parameters\": {\"a\""}},
    {"llama_pythonic",
     {"[weather(city=\"x\", days=3, unit=\"C\")]",
      "[now(), weather(city=\"Oslo\", unit=\"C\", flag=True)]", "[1, 2]", "[later()]"},
     {"[weather()]", "[weather(unit=\"C\")]",
      "[now(a=", "[weather(city=\"x\", unit=\"C\", flag=1"}},
    {"mistral",
     {"[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}}, {\"name\": \"weather\", "
      "\"arguments\": {\"city\": \"x\", \"unit\": \"C\"}}]",
      "[TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]weather[ARGS]{\"city\": \"x\", \"unit\": \"C\"}"},
     {"[TOOL_CALLS]then", "[TOOL_CALLS]weather[ARGS]{}", "[TOOL_CALLS]{"}},
    {"deepseek_v3",
     {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<"
      "｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
     {"<｜tool▁call▁begin｜>function<｜tool▁sep｜>then",
      "<｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{}"}},
    {"deepseek_v31",
     {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><"
      "｜tool▁calls▁end｜>"},
     {"<｜tool▁call▁begin｜>weather<｜tool▁sep｜>{}"}},
    {"deepseek_v32",
     {"<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"weather\">\n<｜DSML｜parameter "
      "name=\"city\" string=\"true\">Oslo</｜DSML｜parameter>\n"
      "<｜DSML｜parameter name=\"days\" "
      "string=\"false\">2</｜DSML｜parameter>\n<｜DSML｜parameter name=\"unit\" "
      "string=\"true\">C</｜DSML｜parameter>\n"
      "</｜DSML｜invoke>\n</｜DSML｜function_calls>"},
     {"<｜DSML｜invoke name=\"weather\">\n</｜DSML｜invoke>",
      "<｜DSML｜invoke name=\"weather\"><｜DSML｜parameter name=\"days\""}},
    {"glm4",
     {"<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n<arg_key>unit</"
      "arg_key>\n<arg_value>F</arg_value>\n</tool_call>",
      "<tool_call>now</tool_call>"},
     {"<tool_call>weather</tool_call>", "<tool_call>now\n<arg_key>a"}},
    {"harmony",
     {"<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary "
      "to=functions.now <|constrain|>json<|message|>{}<|call|>",
      "<|channel|>final<|message|>It is to=2."},
     {"<|channel|>commentary to=python",
      "<|start|>assistant to=functions.weather<|channel|>commentary json<|message|>{}"}},
    {"kimi_k2",
     {"I "
      "look.<|tool_calls_section_begin|><|tool_call_begin|>functions.now:0<|tool_call_argument_"
      "begin|>{}<|tool_call_end|><|tool_calls_section_end|>"},
     {"<|tool_call_begin|>functions.then",
      "<|tool_call_begin|>functions.weather:1<|tool_call_argument_begin|>{}"}},
    {"granite",
     {"<|tool_call|>[{\"name\": \"now\", \"arguments\": {}}]"},
     {"<|tool_call|>[]", "<|tool_call|>[{\"name\": \"weather\", \"arguments\": {}}"}},
    {"lfm2",
     {"<|tool_call_start|>[weather(city=\"x\", unit=\"C\")]<|tool_call_end|>"},
     {"<|tool_call_start|>[weather()"}},
};

TEST(HeldCalls, WhatModelsOfEachFormatWrite) {
  for (const Sample& sample : kSamples) {
    SCOPED_TRACE(sample.format);
    const auto grammar = grammar_of(*find_tool_format(sample.format), Wanted::maybe, {false});
    for (const std::string& text : sample.right) EXPECT_TRUE(takes(grammar, text)) << text;
    for (const std::string& text : sample.wrong)
      EXPECT_LT(Matcher(grammar).accept_bytes(text), text.size()) << text;
  }
}

TEST(HeldCalls, WhatCannotBeHeldIsRefused) {
  const auto refusal_of = [](std::string_view format, const std::string& schema) {
    GrammarSource source{GrammarKind::added};
    const auto list = std::make_shared<const nlohmann::ordered_json>(parse_ordered_json(
        fmt::format(R"([{{"type": "function", "function": {{"name": "f", "parameters": {}}}}}])",
                    schema),
        "tools"));
    source.added = held_calls({.format = find_tool_format(format), .tools = list},
                              [](std::string_view) { return std::nullopt; });
    return refusal(source);
  };
  const std::string dependent =
      R"({"type": "object", "properties": {"a": {}}, "minProperties": 1})";
  EXPECT_NE(refusal_of("glm4", dependent).find("minProperties"), std::string::npos);
  EXPECT_EQ(refusal_of("kimi_k2", dependent), "");
  EXPECT_NE(
      refusal_of("glm4", R"({"properties": {"a": {"type": ["string", "integer"]}}})").find("'a'"),
      std::string::npos);
  EXPECT_NE(refusal_of("glm4", R"({"properties": {"a b": {}}})").find("name"), std::string::npos);
  EXPECT_NE(refusal_of("llama_pythonic", R"({"properties": {"a-b": {}}})").find("Python"),
            std::string::npos);
  EXPECT_NE(refusal_of("glm4", R"({"properties": {"a": {"$ref": "#"}}})").find("$ref"),
            std::string::npos);
  EXPECT_NE(refusal_of("glm4", R"({"required": ["a"]})").find("required"), std::string::npos);
  // Inside `o` the reference would find another `a`.
  EXPECT_NE(refusal_of("glm4", R"({"properties": {"a": {"type": "string"}, "o": {"properties": {
      "a": {"type": "integer"}, "b": {"$ref": "#/properties/a"}}}}})")
                .find("points at no"),
            std::string::npos);
  EXPECT_NE(
      refusal_of("glm4", "{\"properties\": {\"" + std::string(257, 'a') + "\": {}}}").find("long"),
      std::string::npos);
  EXPECT_NE(refusal_of("hermes", R"({"$ref": "#/$defs/x"})").find("'f'"), std::string::npos);
  std::string many;
  for (int i = 0; i < 300; ++i) many += fmt::format(R"({}"a{}": {{}})", i == 0 ? "" : ",", i);
  EXPECT_NE(refusal_of("qwen3_coder", "{\"properties\": {" + many + "}}").find("too many"),
            std::string::npos);
}

}  // namespace
}  // namespace tinyllm
