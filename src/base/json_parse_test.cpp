#include "base/json_parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"

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

// nlohmann's own parser is the oracle: equal keys, few and many members, every kind of value.
TEST(JsonParse, OrderedIsWhatTheLibraryMakesOfIt) {
  std::string many = "{";
  for (int i = 0; i < 100; ++i)
    many += (i > 0 ? "," : "") + ("\"k" + std::to_string(i % 70)) + "\":" + std::to_string(i);
  many += "}";
  for (const std::string& text :
       {std::string("3"), std::string("null"), std::string("[]"), std::string("{}"),
        std::string(R"({"b":1,"a":{"c":[1,-2,3.5,true,null,"x",{}]},"b":[{"z":1}],"":0})"),
        std::string(R"([[{"a":{"a":{"a":[]}}},18446744073709551615,1e400]])"), many,
        "[" + many + ",{\"x\":" + many + "}]"}) {
    nlohmann::ordered_json want;
    try {
      want = nlohmann::ordered_json::parse(text);
    } catch (const nlohmann::ordered_json::out_of_range&) {
      EXPECT_THROW(parse_ordered_json(text, "x"), Error) << text;
      continue;
    }
    EXPECT_EQ(parse_ordered_json(text, "x").dump(), want.dump()) << text;
  }
  for (const std::string text : {"", "{", "[1,]", "{\"a\" 1}", "1 2", "\"\xFF\""}) {
    EXPECT_THROW(parse_ordered_json(text, "x"), Error) << text;
  }
}

TEST(JsonParse, NamesFileAndPlace) {
  EXPECT_THAT(message_of("{\"a\": \n}"), testing::StartsWith("x.json: not JSON at byte 8: syntax"));
  EXPECT_THAT(message_of(""), testing::HasSubstr("not JSON"));
  EXPECT_THAT(message_of("\"\xFF\""), testing::HasSubstr("not JSON"));
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
