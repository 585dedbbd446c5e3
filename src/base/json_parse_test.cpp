#include "base/json_parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

TEST(JsonParse, KeepsOrderWhenAsked) {
  EXPECT_EQ(parse_ordered_json(R"({"b": 1, "a": 2})", "x").dump(), R"({"b":1,"a":2})");
  EXPECT_EQ(parse_json(R"({"b": 1, "a": 2})", "x").dump(), R"({"a":2,"b":1})");
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
