#include "agent/tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kAnything = R"({"type": "object"})";

Tool echo(const std::string& name) {
  return {.name = name,
          .description = "Says it again",
          .parameters = kAnything,
          .call = [](const json& arguments, function_ref<bool()>) {
            return ToolResult{text_argument(arguments, "text")};
          }};
}

ToolResult run(const ToolBox& box, const char* name, const json& arguments,
               std::size_t max_bytes = 1000) {
  return box.run(name, arguments, max_bytes, [] { return false; });
}

TEST(ToolBox, NamesAreUniqueAndCanBeNames) {
  ToolBox box;
  box.add(echo("echo"));
  EXPECT_THROW(box.add(echo("echo")), Error);
  for (const std::string name : {"", "two words", "qu\"ote", "<|im_end|>"})
    EXPECT_THROW(box.add(echo(name)), Error) << name;
  Tool broken = echo("broken");
  broken.parameters = "[]";
  EXPECT_THROW(box.add(broken), Error);
  EXPECT_EQ(box.tools().size(), 1u);
  EXPECT_EQ(box.to_json().dump(),
            R"([{"type":"function","function":{"name":"echo","description":"Says it again",)"
            R"("parameters":{"type":"object"}}}])");
  EXPECT_EQ(tool_name_from("fs \"read\"/é"), "fs__read____");
  EXPECT_EQ(tool_name_from(std::string(100, 'a')).size(), 64u);
}

TEST(ToolBox, WhatIsWrongIsAResult) {
  ToolBox box;
  box.add(echo("echo"));
  EXPECT_EQ(run(box, "echo", {{"text", "hello"}}).text, "hello");
  EXPECT_FALSE(run(box, "echo", {{"text", "hello"}}).is_error);
  for (const auto& [name, arguments, message] :
       {std::tuple{"echo", json::object(), "'text' is missing"},
        std::tuple{"echo", json{{"text", 3}}, "'text' is number, must be a string"},
        std::tuple{"echo", json("text"), "the arguments of echo must be a JSON object"},
        std::tuple{"exec", json::object(), "there is no tool 'exec'; there are echo"}}) {
    const ToolResult result = run(box, name, arguments);
    EXPECT_TRUE(result.is_error);
    EXPECT_EQ(result.text, message);
  }
}

TEST(ToolBox, OfALongResultTheMiddleIsLeftOut) {
  ToolBox box;
  box.add(echo("echo"));
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "é";
  const std::string cut = run(box, "echo", {{"text", text}}, 101).text;
  EXPECT_THAT(cut, testing::MatchesRegex("(é)+\n\\[\\.\\.\\. [0-9]+ bytes are left out here "
                                         "\\.\\.\\.\\]\n(é)+"));
  EXPECT_TRUE(is_valid_utf8(cut));
  EXPECT_LT(cut.size(), 160u);
  EXPECT_EQ(run(box, "echo", {{"text", "bad \xff"}}).text, "bad \xEF\xBF\xBD");
}

}  // namespace
}  // namespace tinyllm
