#include "base/json_parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_values.h"

namespace tinyllm {
namespace {

std::string message_of(std::string_view text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, "x.json", limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return error.what();
  }
  return "";
}

// ordered_json's own insertion looks through all keys of an object.
TEST(JsonParse, AnOrderedObjectOfManyKeysTakesTimeThatGrowsWithItsText) {
  const auto seconds = [](int n_keys) {
    std::string text = "{\"k\": 0";
    for (int i = 0; i < n_keys; ++i) text += fmt::format(", \"k{}\": {}", i, i);
    text += "}";
    const Stopwatch clock;
    const nlohmann::ordered_json document = parse_ordered_json(text, "x");
    const double time = clock.seconds();
    EXPECT_EQ(document.size(), static_cast<std::size_t>(n_keys) + 1);
    return time;
  };
  EXPECT_LT(seconds(40'000), 2);
  EXPECT_LT(seconds(500'000), 30);  // a busy machine, a sanitizer; were it quadratic: six minutes
}

TEST(JsonParse, SoManyValues) {
  EXPECT_NO_THROW(parse_json("[1, {\"a\": 2}]", "x", {.max_values = 5}));
  EXPECT_THROW(parse_json("[1, {\"a\": 2}]", "x", {.max_values = 4}), Error);
  EXPECT_NO_THROW(parse_json("[\"a, b: [c]\"]", "x", {.max_values = 2}));
}

TEST(JsonParse, KeepsOrderWhenAsked) {
  EXPECT_EQ(parse_ordered_json(R"({"b": 1, "a": 2})", "x").dump(), R"({"b":1,"a":2})");
  EXPECT_EQ(parse_json(R"({"b": 1, "a": 2})", "x").dump(), R"({"a":2,"b":1})");
}

// The library's own parser is the oracle.
template <typename Json>
void expect_same_as_library(const std::string& text) {
  std::optional<Json> want, got;
  try {
    want = Json::parse(text);
  } catch (const nlohmann::detail::exception&) {
  }
  try {
    if constexpr (std::is_same_v<Json, nlohmann::json>)
      got = parse_json(text, "x");
    else
      got = parse_ordered_json(text, "x");
  } catch (const Error&) {
  }
  ASSERT_EQ(got.has_value(), want.has_value()) << text;
  if (!want) return;
  EXPECT_EQ(got->dump(), want->dump()) << text;
}

const std::vector<std::string>& json_texts() {
  static const std::vector<std::string> texts = [] {
    std::string many = "{";
    for (int i = 0; i < 100; ++i) many += fmt::format("{}\"k{}\":{}", i > 0 ? "," : "", i % 70, i);
    many += "}";
    return std::vector<std::string>{
        "3",
        "null",
        "[]",
        "{}",
        "\xEF\xBB\xBF[1]",
        " \t\r\n true \n",
        "-0",
        "[-0.0,0e5,1E+2,0.1e-7]",
        R"({"b":1,"a":{"c":[1,-2,3.5,true,null,"x",{}]},"b":[{"z":1}],"":0})",
        R"([[{"a":{"a":{"a":[]}}},18446744073709551615,-9223372036854775808,9007199254740993]])",
        R"(["\"\\\/\b\f\n\r\t","\u0000\u00e9\ud83d\ude00x","grüße 漢字 😀"])",
        "[1e308,5e-324,1e-400]",
        many,
        "[" + many + ",{\"x\":" + many + "}]"};
  }();
  return texts;
}

TEST(JsonParse, IsWhatTheLibraryMakesOfIt) {
  for (const std::string& text : json_texts()) {
    expect_same_as_library<nlohmann::json>(text);
    expect_same_as_library<nlohmann::ordered_json>(text);
  }
  for (const std::string text : {"",
                                 " ",
                                 "{",
                                 "[1,]",
                                 "{\"a\" 1}",
                                 "{\"a\":1,}",
                                 "{a:1}",
                                 "1 2",
                                 "\"\xFF\"",
                                 "\"\xE4\xBD\"",
                                 "\"a",
                                 "\"\\x\"",
                                 "\"\\u12G4\"",
                                 "\"\\u12",
                                 "\"\\ud800\"",
                                 "\"\\ud800\\u0041\"",
                                 "\"\\udc00\"",
                                 "\"\\",
                                 "\"\t\"",
                                 "01",
                                 "-",
                                 "+1",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "1e+",
                                 "--1",
                                 "0x1",
                                 "NaN",
                                 "tru",
                                 "truex",
                                 "nul",
                                 "[1 2]",
                                 "]",
                                 "1e400",
                                 "-1e400",
                                 "'a'",
                                 "[\f1]",
                                 "//x\n1",
                                 "\xEF\xBB",
                                 "[1]\xEF\xBB\xBF"}) {
    expect_same_as_library<nlohmann::json>(text);
    expect_same_as_library<nlohmann::ordered_json>(text);
    EXPECT_THROW(parse_json(text, "x"), Error) << text;
  }
  EXPECT_THROW(parse_json(std::string_view("1\0", 2), "x"), Error);
  EXPECT_THROW(parse_json(std::string_view("\"\0\"", 3), "x"), Error);
}

TEST(JsonParse, DamagedTextsAreJudgedAsTheLibraryJudgesThem) {
  static constexpr std::string_view kBytes = "{}[]\",:\\u0e-. \x01\x80\xE4\xFF\n1t";
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = json_texts()[random() % json_texts().size()];
    for (unsigned n = random() % 3 + 1; n > 0 && !text.empty(); --n) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = kBytes[random() % kBytes.size()]; break;
        case 1: text.erase(at, random() % 3 + 1); break;
        default: text.insert(at, 1, kBytes[random() % kBytes.size()]);
      }
    }
    expect_same_as_library<nlohmann::json>(text);
    if (HasFatalFailure()) return;
  }
}

TEST(JsonParse, AWholeNumberBeyond64BitsKeepsItsDigits) {
  const auto value = parse_ordered_json("[18446744073709551616,-9223372036854775809]", "x");
  EXPECT_EQ(big_integer_in(value[0]), "18446744073709551616");
  EXPECT_EQ(big_integer_in(value[1]), "-9223372036854775809");
  const nlohmann::ordered_json more = {{"a\"", {value[0], 1.5, nullptr, true}},
                                       {"b", nlohmann::ordered_json::object()}};
  EXPECT_EQ(text_with_big_integers(more), R"({"a\"":[18446744073709551616,1.5,null,true],"b":{}})");
  EXPECT_EQ(text_with_big_integers(more, 2),
            "{\n  \"a\\\"\": [\n    18446744073709551616,\n    1.5,\n    null,\n    true\n  ],\n"
            "  \"b\": {}\n}");
  const auto small = parse_ordered_json(R"({"a":[[],{"b":"\u00e9"},[1]],"":-2.5})", "x");
  EXPECT_EQ(text_with_big_integers(small), small.dump());
  EXPECT_EQ(text_with_big_integers(small, 2), small.dump(2));
  EXPECT_EQ(parse_json("18446744073709551616", "x"), 18446744073709551616.0);
}

TEST(JsonParse, AStringOfMegabytesIsReadInLinearTime) {
  const std::string text = "\"" + std::string(16 << 20, 'a') + "\"";
  const Stopwatch clock;
  EXPECT_EQ(parse_ordered_json(text, "x").get_ref<const std::string&>().size(),
            std::size_t{16 << 20});
  EXPECT_LT(clock.seconds(), 2);  // 0.02; a busy machine, a sanitizer
}

TEST(JsonParse, NamesFileAndPlace) {
  EXPECT_THAT(message_of("{\"a\": \n}"),
              testing::StrEq("x.json: not JSON at byte 8: found '}', wanted a value"));
  EXPECT_EQ(message_of(""), "x.json: not JSON at byte 1: the text ends, wanted a value");
  EXPECT_EQ(message_of("\"a\xFF\""), "x.json: not JSON at byte 3: found '\\xff', wanted UTF-8");
  EXPECT_EQ(message_of("[1 2]"), "x.json: not JSON at byte 4: found '2', wanted ',' or ']'");
  EXPECT_THAT(message_of("\"a\nb\""), testing::Not(testing::HasSubstr("\n")));
}

TEST(JsonParse, RefusesDepthAndSize) {
  EXPECT_EQ(message_of(std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_EQ(message_of(std::string(65, '[')),
            "x.json: JSON nested 65 deep at byte 64, must be at most 64");
  EXPECT_EQ(message_of(R"(["[[[[\"[[[[", []])", {.max_depth = 2}), "");
  EXPECT_EQ(message_of("[1, 2]", {.max_bytes = 5}),
            "x.json: the JSON text has 6 bytes, must be at most 5");
}

TEST(JsonParse, RefusesEqualKeysWhenAsked) {
  const JsonLimits unique = {.unique_keys = true};
  EXPECT_EQ(parse_json(R"({"a":1,"a":2})", "x.json")["a"], 2);
  EXPECT_EQ(message_of(R"({"a":{"a":1},"b":{"a":1}})", unique), "");
  EXPECT_EQ(message_of(R"({"a":1,"b":{},"a":2})", unique), "x.json: key 'a' is there twice");
}

}  // namespace
}  // namespace tinyllm
