#include "tool_call/answer_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/json_parse.h"
#include "tool_call/transcripts_test.h"

namespace tinyllm {
namespace {

using Kind = AnswerEvent::Kind;
using Events = AnswerParser::Events;

const auto kNeverSpecial = [](std::string_view) { return false; };

std::shared_ptr<const ToolTypes> types() {
  static const auto types =
      std::make_shared<const ToolTypes>(parse_ordered_json(kTranscriptTools, "tools"));
  return types;
}

AnswerParser parser_of(const Transcript& transcript) {
  const ToolFormat* tools = find_tool_format(transcript.tools);
  return {
      make_answer_format(tools, find_reasoning_format(transcript.reasoning),
                         tools != nullptr ? CallReading::any : CallReading::none, kNeverSpecial),
      types(),
      {.in_reasoning = transcript.in_reasoning}};
}

// The events of a text cut before each of `cuts`, neighbours of a kind joined.
Events parse(const Transcript& transcript, std::string_view text, std::vector<std::size_t> cuts) {
  AnswerParser parser = parser_of(transcript);
  Events events;
  std::size_t begin = 0;
  cuts.push_back(text.size());
  for (const std::size_t end : cuts) {
    Events news;
    parser.push(text.substr(begin, end - begin), false, news);
    events.insert(events.end(), news.begin(), news.end());
    begin = end;
  }
  parser.finish(events);
  Events joined;
  for (AnswerEvent& event : events) {
    const bool joins = !joined.empty() && joined.back().kind == event.kind &&
                       (event.kind <= Kind::markup || event.kind == Kind::call_arguments);
    if (!joins) {
      joined.push_back(std::move(event));
      continue;
    }
    joined.back().text += event.text;
    joined.back().source += event.source;
  }
  return joined;
}

std::string source_of(const Events& events) {
  std::string source;
  for (const AnswerEvent& event : events) source += event.source;
  return source;
}

struct Told {
  std::string content, thought;
  std::vector<std::pair<std::string, std::string>> calls;  // a failed one is empty
  int n_failed = 0;
};

Told told_by(const Events& events) {
  Told told;
  for (const AnswerEvent& event : events) {
    switch (event.kind) {
      case Kind::content: told.content += event.text; break;
      case Kind::reasoning: told.thought += event.text; break;
      case Kind::call_begins: told.calls.emplace_back(event.name, ""); break;
      case Kind::call_arguments: told.calls.back().second += event.text; break;
      case Kind::call_failed:
        told.content += event.text;
        if (event.call_idx >= 0) told.calls.pop_back();
        ++told.n_failed;
        break;
      default: break;
    }
  }
  return told;
}

TEST(AnswerParser, ReadsTheTranscriptsOfEachFormat) {
  for (const Transcript& it : kTranscripts) {
    SCOPED_TRACE(std::string(it.tools) + ": " + std::string(it.text));
    const Events events = parse(it, it.text, {});
    const Told told = told_by(events);
    EXPECT_EQ(told.content, it.content);
    EXPECT_EQ(told.thought, it.thought);
    EXPECT_EQ(told.n_failed, it.n_failed);
    ASSERT_EQ(told.calls.size(), it.calls.size());
    for (std::size_t i = 0; i < it.calls.size(); ++i) {
      EXPECT_EQ(told.calls[i].first, it.calls[i].first);
      EXPECT_EQ(told.calls[i].second, it.calls[i].second);
      EXPECT_TRUE(nlohmann::json::parse(told.calls[i].second).is_object());
    }
    EXPECT_EQ(source_of(events), it.text);
  }
}

TEST(AnswerParser, HasTranscriptsOfAllFormats) {
  for (const ToolFormat& format : tool_formats()) {
    EXPECT_TRUE(std::ranges::any_of(kTranscripts, [&](const Transcript& it) {
      return it.tools == format.name && !it.calls.empty();
    })) << format.name;
  }
}

TEST(AnswerParser, GivesTheSameWhereverTheTextIsCut) {
  std::mt19937 random(1);
  for (const Transcript& it : kTranscripts) {
    SCOPED_TRACE(it.text);
    const Events whole = parse(it, it.text, {});
    std::vector<std::size_t> everywhere;
    for (std::size_t i = 1; i < it.text.size(); ++i) {
      EXPECT_EQ(parse(it, it.text, {i}), whole) << "cut before " << i;
      everywhere.push_back(i);
    }
    EXPECT_EQ(parse(it, it.text, everywhere), whole);
    for (int round = 0; round < 20; ++round) {
      std::vector<std::size_t> some;
      for (const std::size_t i : everywhere) {
        if (random() % 4 == 0) some.push_back(i);
      }
      EXPECT_EQ(parse(it, it.text, some), whole);
    }
  }
}

// Bytes changed, dropped, doubled, moved; parts of other transcripts put in.
std::string mutate(std::string text, std::mt19937& random) {
  for (int n = 1 + static_cast<int>(random() % 4); n > 0; --n) {
    const std::size_t at = random() % (text.size() + 1);
    const std::size_t length = random() % 12;
    switch (random() % 5) {
      case 0: text.erase(at, length); break;
      case 1: text.insert(at, 1, static_cast<char>(random())); break;
      case 2: text.insert(at, text.substr(at, length)); break;
      case 3: text.resize(at); break;
      default: {
        const std::string_view other = kTranscripts[random() % kTranscripts.size()].text;
        const std::size_t begin = random() % other.size();
        text.insert(at, other.substr(begin, random() % 40));
      }
    }
  }
  return text;
}

TEST(AnswerParser, LosesNothingOfDamagedTexts) {
  const int n_rounds = std::getenv("TINYLLM_LONG") != nullptr ? 100000 : 3000;
  std::mt19937 random(2);
  for (int round = 0; round < n_rounds; ++round) {
    const Transcript& it = kTranscripts[random() % kTranscripts.size()];
    const std::string text = mutate(std::string(it.text), random);
    const Events events = parse(it, text, {});
    ASSERT_EQ(source_of(events), text);
    for (const AnswerEvent& event : events) {
      if (event.kind > Kind::reasoning) continue;
      ASSERT_EQ(event.text, event.source);
    }
    std::size_t cut = random() % (text.size() + 1);
    ASSERT_EQ(parse(it, text, {cut}), events) << text << "\ncut before " << cut;
    for (const auto& [name, arguments] : told_by(events).calls) {
      ASSERT_FALSE(name.empty());
      JsonScanner scanner;
      JsonScanner::Step step = JsonScanner::Step::more;
      for (const char c : arguments.substr(0, arguments.find_last_not_of(" \n\r\t") + 1)) {
        ASSERT_EQ(step, JsonScanner::Step::more) << arguments;
        step = scanner.push(c);
      }
      ASSERT_EQ(step, JsonScanner::Step::done) << arguments;
    }
  }
}

TEST(AnswerParser, HandsArgumentsOnAsTheyCome) {
  const Transcript it = {"qwen3_coder", "none", "", "", "", {}};
  AnswerParser parser = parser_of(it);
  Events events;
  parser.push("<tool_call><function=get_weather><parameter=city>\nLong Is", false, events);
  EXPECT_EQ(told_by(events).calls[0].second, "{\"city\": \"Long Is");
}

TEST(AnswerParser, KnowsSpecialTokensFromTheirSpelling) {
  const auto format = make_answer_format(find_tool_format("mistral"), nullptr, CallReading::any,
                                         [](std::string_view it) { return it == "[TOOL_CALLS]"; });
  Events events;
  AnswerParser parser(format, types());
  parser.push("I say [TOOL_CALLS]now[ARGS]{} <", false, events);
  parser.push("<|unknown|>", true, events);
  parser.push(" so", false, events);
  parser.push("[TOOL_CALLS]", true, events);
  parser.push("now[ARGS]{}", false, events);
  parser.finish(events);
  EXPECT_EQ(told_by(events).content, "I say [TOOL_CALLS]now[ARGS]{} < so");
  EXPECT_EQ(told_by(events).calls.size(), 1u);
  EXPECT_EQ(source_of(events),
            "I say [TOOL_CALLS]now[ARGS]{} <<|unknown|> so[TOOL_CALLS]now[ARGS]{}");
}

TEST(AnswerParser, AllowsAsManyCallsAsItIsTold) {
  const auto format =
      make_answer_format(find_tool_format("hermes"), nullptr, CallReading::any, kNeverSpecial);
  AnswerParser parser(format, types(), {.max_calls = 1});
  Events events;
  const std::string call = "<tool_call>{\"name\": \"now\"}</tool_call>";
  parser.push(call + call, false, events);
  parser.finish(events);
  EXPECT_EQ(told_by(events).calls.size(), 1u);
  EXPECT_EQ(told_by(events).content, call);
}

TEST(AnswerParser, TakesTimeThatGrowsWithTheTextAlone) {
  std::string call = "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"";
  for (int i = 0; i < 200000; ++i) call += "<tool_call";
  AnswerParser parser = parser_of({"hermes", "none", "", "", "", {}});
  Events events;
  for (const char c : call) parser.push(std::string_view(&c, 1), false, events);
  parser.finish(events);
  EXPECT_EQ(told_by(events).content, call);
}

TEST(AnswerFormat, IsChosenByTheTemplate) {
  const auto name = [](std::string_view text) {
    const ToolFormat* format = tool_format_of(text);
    return format == nullptr ? "none" : format->name;
  };
  EXPECT_EQ(name("{{ messages }}"), "none");
  EXPECT_EQ(name("<tool_call>\\n{\"name\""), "hermes");
  EXPECT_EQ(name("<tool_call>\\n<function="), "qwen3_coder");
  EXPECT_EQ(name("[TOOL_CALLS]"), "mistral");
  EXPECT_EQ(name("<｜tool▁call▁begin｜> ```json"), "deepseek_v3");
  EXPECT_EQ(name("<｜tool▁call▁begin｜>"), "deepseek_v31");
  EXPECT_EQ(reasoning_format_of("<|im_start|>"), nullptr);
  EXPECT_EQ(reasoning_format_of("split('</think>')")->name, "think");
  EXPECT_THROW(find_tool_format("hermess"), Error);
  EXPECT_EQ(find_tool_format("none"), nullptr);
}

TEST(ToolTypes, MakeJsonOfBareText) {
  EXPECT_EQ(argument_json("5", kStringType), "\"5\"");
  EXPECT_EQ(argument_json(" 5 ", kNumberType), "5");
  EXPECT_EQ(argument_json("five", kNumberType), "\"five\"");
  EXPECT_EQ(argument_json("None", kStringType | kNullType), "null");
  EXPECT_EQ(argument_json("\"a\"", kStringType | kNullType), "\"\\\"a\\\"\"");
  EXPECT_EQ(argument_json("\"a\"", kAnyType), "\"a\"");
  EXPECT_EQ(argument_json("[1, ]", kAnyType), "\"[1, ]\"");
  EXPECT_EQ(argument_json("", kObjectType), "\"\"");
}

// A special token right behind a call, where the format has another one between.
TEST(AnswerParser, ASpecialTokenEndsTheSpaceBehindACall) {
  const auto format =
      make_answer_format(find_tool_format("deepseek_v31"), nullptr, CallReading::any,
                         [](std::string_view terminal) { return terminal.starts_with("<"); });
  AnswerParser parser(format, types());
  Events events;
  for (const std::string_view part : {"<｜tool▁call▁begin｜>", "now", "<｜tool▁sep｜>", "{}",
                                      "<｜tool▁call▁begin｜>", "now", "<｜tool▁sep｜>", "{}"})
    parser.push(part, part.starts_with("<"), events);
  parser.finish(events);
  EXPECT_EQ(told_by(events).calls.size(), 2u);
}

}  // namespace
}  // namespace tinyllm
