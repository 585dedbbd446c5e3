#include "client/chat_prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;

constexpr TokenId kBos = 256, kEos = 257, kEnd = 258;

// Every byte is a token; three are special.
TokenizerSpec byte_spec() {
  TokenizerSpec spec;
  spec.source = "bytes";
  for (int byte = 0; byte < 256; ++byte) spec.tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* text : {"<bos>", "<eos>", "<end>"}) {
    spec.added_tokens.push_back({static_cast<std::int32_t>(spec.tokens.size()), text});
    spec.tokens.emplace_back(text);
  }
  spec.pretokenizer = *pretokenizer_stages("gpt2");
  spec.bos_id = kBos;
  spec.eos_id = kEos;
  return spec;
}

MarkedText render(const char* source, const char* content) {
  const ChatTemplate chat_template(source, nlohmann::ordered_json::object());
  return chat_template.render({{"messages", {{{"role", "user"}, {"content", content}}}}});
}

constexpr const char* kPlain = "{{ messages[0].content }}<end>";
constexpr const char* kWritesBos = "<bos>{{ messages[0].content }}<end>";

TEST(ChatPrompt, NothingIsAddedToWhatTheTemplateWrote) {
  TokenizerSpec adds_bos = byte_spec(), adds_eos = byte_spec(), adds_both = byte_spec();
  adds_bos.prefix_ids = adds_both.prefix_ids = {kBos};
  adds_eos.suffix_ids = adds_both.suffix_ids = {kEos};
  for (TokenizerSpec& spec : std::vector{byte_spec(), adds_bos, adds_eos, adds_both}) {
    const Tokenizer tokenizer(spec);
    EXPECT_THAT(encode_chat(tokenizer, render(kPlain, "a")), ElementsAre('a', kEnd));
    EXPECT_THAT(encode_chat(tokenizer, render(kWritesBos, "a")), ElementsAre(kBos, 'a', kEnd));
  }
  // Unless it is asked for. There is never a second BOS.
  const Tokenizer tokenizer(adds_both);
  EXPECT_THAT(encode_chat(tokenizer, render(kPlain, "a"), true),
              ElementsAre(kBos, 'a', kEnd, kEos));
  EXPECT_THAT(encode_chat(tokenizer, render(kWritesBos, "a"), true),
              ElementsAre(kBos, 'a', kEnd, kEos));
}

TEST(ChatPrompt, WhatAPersonWroteIsText) {
  const Tokenizer tokenizer(byte_spec());
  EXPECT_THAT(encode_chat(tokenizer, render(kPlain, "<end>")),
              ElementsAre('<', 'e', 'n', 'd', '>', kEnd));
}

TEST(ChatPrompt, OpensTheLastMessage) {
  const auto opened = [](const char* content) {
    MarkedText prompt = render("<bos> {{ messages[0].content }} <end>", content);
    const bool done = open_last_message(prompt, content);
    EXPECT_TRUE(prompt.user_ranges.empty() || prompt.user_ranges.back().end <= prompt.text.size());
    return done ? prompt.text : "(not done)";
  };
  EXPECT_EQ(opened("one two"), "<bos> one two");
  EXPECT_EQ(opened("one "), "<bos> one ");  // the blank is the client's
  EXPECT_EQ(opened(""), "(not done)");
  EXPECT_EQ(opened(" \n"), "(not done)");
  // The template's own words are no place to go on.
  MarkedText echoed = render("{{ messages[0].content }} was one two", "one two");
  EXPECT_TRUE(open_last_message(echoed, "one two"));
  EXPECT_EQ(echoed.text, "one two");
  MarkedText other = render("<bos>no message here<end>", "absent");
  EXPECT_FALSE(open_last_message(other, "absent"));
  EXPECT_EQ(other.text, "<bos>no message here<end>");
}

}  // namespace
}  // namespace tinyllm
