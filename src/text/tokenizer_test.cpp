#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/detokenizer.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Bytes are ids 0..255; then " h", "he" and special and added tokens.
TokenizerSpec small_spec() {
  TokenizerSpec spec;
  spec.source = "small";
  for (int byte = 0; byte < 256; ++byte) spec.tokens.emplace_back(1, static_cast<char>(byte));
  spec.tokens.insert(spec.tokens.end(), {"he", "hel", "lo", "hello", "<s>", "</s>", "<tool>", ""});
  spec.merges = {{"h", "e"}, {"l", "o"}, {"he", "l"}, {"hel", "lo"}};
  spec.added_tokens = {{.id = 260, .text = "<s>"},
                       {.id = 261, .text = "</s>"},
                       {.id = 262, .text = "<tool>", .special = false}};
  spec.pretokenizer = *pretokenizer_stages("gpt2");
  spec.pretokenizer_name = "gpt2";
  spec.prefix_ids = {260};
  spec.bos_id = 260;
  spec.eos_id = 261;
  return spec;
}

TEST(Tokenizer, EncodesAndDecodes) {
  const Tokenizer tokenizer(small_spec());
  EXPECT_THAT(tokenizer.encode("hello he!"), ElementsAre(260, 259, ' ', 256, '!'));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre(260));
  EXPECT_THAT(tokenizer.encode("", {.add_special = false}), ElementsAre());
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{260, 259, ' ', 256}), "<s>hello he");
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{260, 259, ' ', 256}, true), "hello he");
  EXPECT_EQ(tokenizer.vocab_size(), 264);
  EXPECT_EQ(tokenizer.find("<tool>"), 262);
  EXPECT_EQ(tokenizer.find("hello"), 259);
  EXPECT_EQ(tokenizer.find("nope"), std::nullopt);
  EXPECT_EQ(tokenizer.token_bytes(263), "");
  EXPECT_TRUE(tokenizer.is_special(260));
  EXPECT_FALSE(tokenizer.is_special(262));
  EXPECT_THROW(tokenizer.decode(std::vector<TokenId>{264}), Error);
  EXPECT_THROW(tokenizer.decode(std::vector<TokenId>{-1}), Error);
}

TEST(Tokenizer, OneBos) {
  const Tokenizer tokenizer(small_spec());
  EXPECT_THAT(tokenizer.encode("<s>he"), ElementsAre(260, 256));
  EXPECT_THAT(tokenizer.encode("<s><s>he"), ElementsAre(260, 260, 256));
  EXPECT_THAT(tokenizer.encode("<s>", {.parse_special = false}), ElementsAre(260, '<', 's', '>'));
}

TEST(Tokenizer, SpecialTextIsOrdinaryUnlessAsked) {
  const Tokenizer tokenizer(small_spec());
  EXPECT_THAT(tokenizer.encode("a</s>", {.add_special = false}), ElementsAre('a', 261));
  EXPECT_THAT(tokenizer.encode("a</s>", {.add_special = false, .parse_special = false}),
              ElementsAre('a', '<', '/', 's', '>'));
  EXPECT_THAT(tokenizer.encode("<tool>", {.add_special = false, .parse_special = false}),
              ElementsAre(262));
}

TEST(Tokenizer, SpecialTokensEndAtPlainRanges) {
  const Tokenizer tokenizer(small_spec());
  const auto encode = [&](std::string_view text, std::vector<TextRange> plain) {
    return tokenizer.encode(text, {.add_special = false, .plain_ranges = plain});
  };
  //                     0123456789ab
  const char* text = "</s></s></s>";
  EXPECT_THAT(encode(text, {{4, 8}}), ElementsAre(261, '<', '/', 's', '>', 261));
  EXPECT_THAT(encode(text, {{3, 4}}), ElementsAre('<', '/', 's', '>', 261, 261));
  EXPECT_THAT(encode(text, {{8, 100}}), ElementsAre(261, 261, '<', '/', 's', '>'));
  EXPECT_THAT(encode("<tool>", {{0, 6}}), ElementsAre(262));
  EXPECT_THAT(encode("hello", {{2, 3}}), ElementsAre(259)) << "BPE runs on over the border";
  // An ill-formed byte before a range grows from one byte to three.
  EXPECT_THAT(encode("\xFF</s></s>", {{5, 9}}),
              ElementsAre(0xEF, 0xBF, 0xBD, 261, '<', '/', 's', '>'));
}

TEST(Tokenizer, PlainRangesMoveWithNfc) {
  TokenizerSpec spec = small_spec();
  spec.nfc = true;
  for (AddedToken& token : spec.added_tokens) token.normalized = true;
  const Tokenizer tokenizer(std::move(spec));
  // "e" + U+0301 (3 bytes) becomes U+00E9 (2 bytes).
  const std::string text = "e\xCC\x81</s></s>";
  const std::vector<TextRange> plain = {{7, 11}};
  EXPECT_THAT(tokenizer.encode(text, {.add_special = false, .plain_ranges = plain}),
              ElementsAre(0xC3, 0xA9, 261, '<', '/', 's', '>'));
}

TEST(Tokenizer, IgnoreMergesTakesWholeWords) {
  TokenizerSpec spec = small_spec();
  spec.merges.pop_back();
  EXPECT_THAT(Tokenizer(spec).encode("hello"), ElementsAre(260, 257, 258));
  spec.ignore_merges = true;
  EXPECT_THAT(Tokenizer(spec).encode("hello"), ElementsAre(260, 259));
}

TEST(Tokenizer, PrefixSpaceStandsBeforeEachText) {
  TokenizerSpec spec = small_spec();
  spec.add_prefix_space = true;
  const Tokenizer tokenizer(std::move(spec));
  EXPECT_THAT(tokenizer.encode("he</s>he</s> he", {.add_special = false}),
              ElementsAre(' ', 256, 261, ' ', 256, 261, ' ', 256));
}

TEST(Tokenizer, BytesThatAreNoToken) {
  TokenizerSpec spec = small_spec();
  spec.tokens['!'].clear();
  EXPECT_THAT(Tokenizer(spec).encode("!he"), ElementsAre(260, 256));
  spec.unknown_id = 261;
  EXPECT_THAT(Tokenizer(spec).encode("!he"), ElementsAre(260, 261, 256));
}

TEST(Tokenizer, IllFormedTextIsReplaced) {
  const Tokenizer tokenizer(small_spec());
  EXPECT_THAT(tokenizer.encode("\xF0\x9F\x98", {.add_special = false}),
              ElementsAre(0xEF, 0xBF, 0xBD));
  EXPECT_THAT(tokenizer.encode("\xC0\x80", {.add_special = false}),
              ElementsAre(0xEF, 0xBF, 0xBD, 0xEF, 0xBF, 0xBD));
}

std::string refusal_of_spec(const std::function<void(TokenizerSpec&)>& spoil) {
  TokenizerSpec spec = small_spec();
  spoil(spec);
  try {
    Tokenizer tokenizer(std::move(spec));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Tokenizer, RefusesBadVocabularies) {
  EXPECT_EQ(refusal_of_spec([](TokenizerSpec&) {}), "");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.tokens.clear(); }),
            "small: the vocabulary has 0 tokens, must be 1 to 16777216");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.tokens[5] = "he"; }),
            "small: token 'he' has two ids, 5 and 256");
  EXPECT_EQ(refusal_of_spec([](auto& s) {
              s.merges.push_back({"q", "q"});
            }),
            "small: merge 4 is 'q' with 'q', but 'qq' is not a token");
  EXPECT_EQ(refusal_of_spec([](auto& s) {
              s.merges.push_back({"", "q"});
            }),
            "small: merge 4 is '' with 'q', but '' is not a token");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.added_tokens[0].id = -1; }),
            "small: added token '<s>' has id -1, must be in [0, 264)");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.added_tokens[0].text = "<x>"; }),
            "small: id 260 is token '<s>' and added token '<x>'");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.added_tokens[1] = {.id = 263, .text = "<s>"}; }),
            "small: added token '<s>' has two ids, 260 and 263");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.added_tokens[1] = {.id = 263, .text = "\x80"}; }),
            "small: the added token of id 263 is not UTF-8");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.eos_id = 264; }),
            "small: the EOS id is 264, must be in [0, 264)");
  EXPECT_EQ(refusal_of_spec([](auto& s) { s.suffix_ids = {-7}; }),
            "small: a suffix id is -7, must be in [0, 264)");
  EXPECT_THAT(refusal_of_spec([](auto& s) { s.pretokenizer[0].pattern = "a(b"; }),
              HasSubstr("small: pretokenizer pattern 'a(b': missing closing parenthesis"));
}

TEST(Detokenizer, NeverHalfACharacter) {
  const Tokenizer tokenizer(small_spec());
  Detokenizer out(tokenizer);
  EXPECT_EQ(out.push(0xF0), "");
  EXPECT_EQ(out.push(0x9F), "");
  EXPECT_EQ(out.push(260), "") << "a special token is skipped";
  EXPECT_EQ(out.push(0x98), "");
  EXPECT_EQ(out.push(0x80), "\xF0\x9F\x98\x80");
  EXPECT_EQ(out.push(0xE2), "");
  EXPECT_EQ(out.push('a'),
            "\xEF\xBF\xBD"
            "a");
  EXPECT_EQ(out.push(0x80), "\xEF\xBF\xBD") << "can never become a character";
  EXPECT_EQ(out.push(0xC3), "");
  EXPECT_EQ(out.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(out.finish(), "");
}

TEST(Detokenizer, PiecesJoinedEqualDecode) {
  const Tokenizer tokenizer(small_spec());
  unsigned random = 1;
  for (int round = 0; round < 2000; ++round) {
    std::vector<TokenId> ids;
    const bool skip = round % 2 == 0;
    Detokenizer out(tokenizer, skip);
    std::string joined;
    for (int i = 0; i < 12; ++i) {
      random = random * 1664525 + 1013904223;
      constexpr TokenId kIds[] = {0xF0, 0x9F, 0x98, 0x80, 0xE2, 0x82, 0xAC, 0xC3,
                                  0xA9, 0xED, 0xA0, 'a',  260,  259,  0xFF, 0xF4};
      ids.push_back(kIds[random >> 28]);
      joined += out.push(ids.back());
    }
    joined += out.finish();
    ASSERT_EQ(joined, tokenizer.decode(ids, skip)) << "round " << round;
  }
}

}  // namespace
}  // namespace tinyllm
