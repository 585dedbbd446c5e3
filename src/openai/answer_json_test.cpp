// Log probabilities of tokens that are parts of characters, as OpenAI's completions list them.

#include "openai/answer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

// One token a byte.
const Tokenizer& bytes() {
  static const Tokenizer tokenizer([] {
    TokenizerSpec spec;
    spec.source = "bytes";
    for (int byte = 0; byte < 256; ++byte) spec.tokens.emplace_back(1, static_cast<char>(byte));
    spec.pretokenizer = *pretokenizer_stages("gpt2");
    return spec;
  }());
  return tokenizer;
}

TokenLogprobs drawn(unsigned char byte) { return {.drawn = {byte, -1.0f}, .rank = 1, .top = {}}; }

AnswerChoice choice_of(std::string_view text) {
  AnswerChoice choice;
  choice.wants_logprobs = true;
  for (const char c : text) choice.logprobs.push_back(drawn(static_cast<unsigned char>(c)));
  return choice;
}

json logprobs_of(const AnswerChoice& choice) {
  AnswerHead head;
  head.kind = ApiKind::completion;
  return choice_json(head, choice, bytes())["logprobs"];
}

TEST(AnswerJson, TextOffsetsCountCharacters) {
  EXPECT_EQ(logprobs_of(choice_of("é🙂a"))["text_offset"].dump(), "[0,0,1,1,1,1,2]");
  EXPECT_EQ(logprobs_of(choice_of("a\xC3z"))["text_offset"].dump(), "[0,1,1]");
  // The same in pieces of any size, as a stream gives them.
  for (std::size_t n = 1; n <= 7; ++n) {
    const std::string text = "é🙂a";
    std::string open, offsets;
    std::int64_t n_characters = 0;
    for (std::size_t at = 0; at < text.size(); at += n) {
      AnswerChoice piece = choice_of(text.substr(at, n));
      piece.text_offset = n_characters;
      piece.open_character = open;
      const json logprobs = logprobs_of(piece);
      for (const json& offset : logprobs["text_offset"]) offsets += offset.dump();
      open = open_character_after(piece, bytes());
      n_characters = count_characters(text.substr(0, std::min(at + n, text.size()) - open.size()));
    }
    EXPECT_EQ(offsets, "0011112") << n;
  }
}

TEST(AnswerJson, EveryAlternativeHasAPlaceOfItsOwn) {
  AnswerChoice choice = choice_of("a");
  TokenLogprobs& token = choice.logprobs.front();
  for (int i = 0; i < 9; ++i) token.top.push_back({0x80 + i, -2.0f - static_cast<float>(i)});
  token.top.push_back({'a', -1.0f});
  const json logprobs = logprobs_of(choice);
  const json& top = logprobs["top_logprobs"][0];
  EXPECT_EQ(top.size(), 10u);
  EXPECT_EQ(top["a"], -1.0f);
  EXPECT_EQ(top["bytes:\\x80"], -2.0f);
  token.top.resize(2);
  EXPECT_EQ(logprobs_of(choice)["top_logprobs"][0].size(), 3u) << "the drawn one as well";
  // What is listed as drawn is among the alternatives under the same name.
  choice = choice_of("\x80");
  choice.logprobs.front().top = {{0x80, -1.0f}};
  EXPECT_EQ(logprobs_of(choice)["tokens"].dump(), R"(["bytes:\\x80"])");
  EXPECT_EQ(logprobs_of(choice)["top_logprobs"].dump(), R"([{"bytes:\\x80":-1.0}])");
}

}  // namespace
}  // namespace tinyllm
