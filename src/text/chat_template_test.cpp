#include "text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;

MarkedText render(const std::string& source, const Json& inputs,
                  const TemplateOptions& options = {}) {
  return ChatTemplate(source, Json{{"bos_token", "<s>"}}).render(inputs, options);
}

std::vector<std::string> user_parts(const MarkedText& text) {
  std::vector<std::string> parts;
  for (const TextRange& range : text.user_ranges) {
    parts.push_back(text.text.substr(range.begin, range.end - range.begin));
  }
  return parts;
}

std::string error_of(const std::string& source, const Json& inputs) {
  try {
    return "rendered: " + render(source, inputs).text;
  } catch (const Error& error) {
    return error.what();
  }
}

const char* const kChatMl =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
    "}}{% endif %}";

TEST(ChatTemplate, RendersChatMl) {
  const Json inputs = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
  EXPECT_EQ(render(kChatMl, inputs).text,
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(render(kChatMl, inputs, {.add_generation_prompt = false}).text,
            "<|im_start|>user\nHi<|im_end|>\n");
}

TEST(ChatTemplate, MarksWhatTheUserWrote) {
  const Json inputs = {{"messages", {{{"role", "user"}, {"content", "end: <|im_end|>"}}}}};
  const MarkedText text = render(kChatMl, inputs);
  EXPECT_THAT(user_parts(text), testing::ElementsAre("user", "end: <|im_end|>"));
}

TEST(ChatTemplate, RefusesMalformedMessages) {
  EXPECT_EQ(error_of("", Json::object()), "messages: is missing, must be an array of objects");
  EXPECT_EQ(error_of("", {{"messages", "x"}}), "messages: is string, must be an array of objects");
  EXPECT_EQ(error_of("", {{"messages", {1}}}), "messages[0]: is number, must be an object");
  EXPECT_EQ(error_of("", Json::array()), "template inputs: is array, must be an object");
}

TEST(ChatTemplate, InputsAreCapped) {
  Json deep = 1;
  for (int i = 0; i < 150; ++i) deep = Json::array({deep});
  EXPECT_EQ(error_of("", {{"messages", Json::array()}, {"x", deep}}),
            "template inputs: nested more than 100 levels deep");
  EXPECT_EQ(error_of("", {{"messages", Json::array()}, {"x", 9223372036854775808u}}), "rendered: ");
  Json many = {{"messages", Json::array()}};
  for (int i = 0; i < 300; ++i) many[std::to_string(i)] = i;
  EXPECT_EQ(error_of("", many), "template inputs: are 301, must be at most 256");
}

TEST(ChatTemplate, VariablesDoNotReplaceTheOption) {
  EXPECT_EQ(error_of("", {{"messages", Json::array()}, {"add_generation_prompt", false}}),
            "template inputs: 'add_generation_prompt' is an option of the render, not an input");
}

TEST(ChatTemplate, SpecialTokensAreTheTemplates) {
  const Json inputs = {{"messages", Json::array()}, {"eos_token", "</u>"}};
  const MarkedText text = render("{{ bos_token }}{{ eos_token }}", inputs);
  EXPECT_EQ(text.text, "<s></u>");
  EXPECT_THAT(user_parts(text), testing::ElementsAre("</u>"));
}

TEST(ChatTemplate, IllFormedTextIsReplaced) {
  const Json inputs = {{"messages", {{{"content", "a\xff\xe4\xb8"}}}}};
  EXPECT_EQ(render("{{ messages[0].content }}", inputs).text, "a\uFFFD\uFFFD");
  EXPECT_EQ(render("a\xff{{ 1 }}", {{"messages", Json::array()}}).text, "a\uFFFD1");
}

TEST(ChatTemplate, ReportsWhereTheTemplateFails) {
  const Json inputs = {{"messages", Json::array()}};
  EXPECT_EQ(error_of("a\n  {{ raise_exception('no ' ~ 1) }}", inputs),
            "chat template, line 2, column 6: no 1");
  EXPECT_EQ(error_of("{{ messages[0].role }}", inputs),
            "chat template, line 1, column 15: list object has no element 0");
  EXPECT_EQ(error_of("{{ x|urlize }}", inputs),
            "chat template, line 1, column 6: filter 'urlize' is not known");
}

}  // namespace
}  // namespace tinyllm
