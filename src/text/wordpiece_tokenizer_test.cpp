#include "text/wordpiece_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr TokenId kUnknown = 1, kCls = 2, kSep = 3, kMask = 4;

WordPieceSpec wordpiece_spec() {
  WordPieceSpec spec;
  spec.source = "small";
  spec.tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "##a",
                 "!",     "the",   "中",    "e",     "##e",    "i",  "##f",   "",       "#"};
  spec.rules.unknown_id = kUnknown;
  spec.added_tokens = {{.id = kCls, .text = "[CLS]"},
                       {.id = kSep, .text = "[SEP]"},
                       {.id = kMask, .text = "[MASK]"}};
  spec.prefix_ids = {kCls};
  spec.suffix_ids = {kSep};
  return spec;
}

std::vector<TokenId> ids_of(std::string_view text) {
  static const WordPieceTokenizer tokenizer(wordpiece_spec());
  return tokenizer.encode_text(text);
}

TEST(WordPieceTokenizer, TakesTheLongestTokenEachTime) {
  EXPECT_THAT(ids_of("unaffable"), ElementsAre(5, 6, 7));
  EXPECT_THAT(ids_of("Unaffa the"), ElementsAre(5, 6, 8, 10));
  EXPECT_THAT(ids_of("unaffx the"), ElementsAre(kUnknown, 10));  // the whole word
  EXPECT_THAT(ids_of("the!the"), ElementsAre(10, 9, 10));
  EXPECT_THAT(ids_of("##a"), ElementsAre(17, 17, kUnknown));  // '#' is punctuation
}

TEST(WordPieceTokenizer, NormalisesAsBertDoes) {
  EXPECT_THAT(ids_of("\tTHE\r\nthe\x01\xC2\xA0"), ElementsAre(10, 10));
  EXPECT_THAT(ids_of("the中中the"), ElementsAre(10, 11, 11, 10));
  EXPECT_THAT(ids_of("é É ée"), ElementsAre(12, 12, 12, 13));
  EXPECT_THAT(ids_of("e\xCC\x81"), ElementsAre(12));
  EXPECT_THAT(ids_of("İf"), ElementsAre(14, 15));
  EXPECT_THAT(ids_of(" \n"), ElementsAre());
}

TEST(WordPieceTokenizer, PutsItsTokensAroundAndCutsTheText) {
  const WordPieceTokenizer tokenizer(wordpiece_spec());
  EXPECT_THAT(tokenizer.encode("the"), ElementsAre(kCls, 10, kSep));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre(kCls, kSep));
  EXPECT_EQ(tokenizer.n_around(), 2);
  EXPECT_THAT(tokenizer.surround({10, 9, 10}, 4), ElementsAre(kCls, 10, 9, kSep));
  EXPECT_THAT(tokenizer.surround({10}, 2), ElementsAre(kCls, kSep));
}

TEST(WordPieceTokenizer, FindsAddedTokensInText) {
  EXPECT_THAT(ids_of("the[MASK]the"), ElementsAre(10, kMask, 10));
  EXPECT_THAT(ids_of("the [mask]"), ElementsAre(10, kUnknown, kUnknown, kUnknown));
}

TEST(WordPieceTokenizer, LongWordsAreUnknown) {
  std::string word = "un";
  for (int i = 0; i < 98; ++i) word += "a";
  EXPECT_EQ(ids_of(word).size(), 99u);  // 100 characters
  EXPECT_THAT(ids_of(word + "a"), ElementsAre(kUnknown));
}

// Any bytes at all: every id is one of the vocabulary, and a text is what its well-formed twin is.
TEST(WordPieceTokenizer, AnyBytes) {
  std::mt19937 random(7);
  const std::vector<std::string> parts = {
      "un",       "aff",          "\xFF", "\xE4\xB8", "中", " ", "é", "[MASK]", "\xF0\x9F\x98\x80",
      "\xCC\x81", "\xED\xA0\x80", "\x7F", "#"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::uint32_t n = random() % 12; n > 0; --n) {
      if (random() % 3 == 0) {
        text += static_cast<char>(random() % 256);
      } else {
        text += parts[random() % parts.size()];
      }
    }
    const std::vector<TokenId> ids = ids_of(text);
    for (const TokenId id : ids) EXPECT_TRUE(id >= 0 && id < 18);
    EXPECT_EQ(ids, ids_of(replace_ill_formed(text)));
    EXPECT_LE(ids.size(), text.size());
  }
}

std::string message_of(const std::string& json) {
  try {
    const WordPieceTokenizer tokenizer(parse_wordpiece_json(json, "t.json"));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string json_with(const std::string& model, const std::string& rest = "") {
  return R"({"model": )" + model +
         R"(, "normalizer": {"type": "BertNormalizer", "lowercase": true},)"
         R"( "pre_tokenizer": {"type": "BertPreTokenizer"})" +
         rest + "}";
}

TEST(WordPieceJson, ReadsTheFile) {
  const std::string json = json_with(
      R"({"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1, "##b": 2, "[S]": 3}})",
      R"(, "post_processor": {"type": "BertProcessing", "cls": ["[S]", 3], "sep": ["[S]", 3]},)"
      R"( "added_tokens": [{"id": 3, "content": "[S]", "special": true}])");
  const WordPieceTokenizer tokenizer(parse_wordpiece_json(json, "t.json"));
  EXPECT_THAT(tokenizer.encode("Ab c[S]"), ElementsAre(3, 1, 2, 0, 3, 3));
  EXPECT_EQ(tokenizer.vocab_size(), 4);
}

TEST(WordPieceJson, RefusesWhatItCannotDo) {
  EXPECT_EQ(message_of(json_with(R"({"type": "BPE", "vocab": {}})")),
            "t.json: model.type is 'BPE', must be 'WordPiece' in an encoder");
  EXPECT_THAT(message_of(json_with(R"({"type": "WordPiece", "unk_token": "x", "vocab": {}})")),
              HasSubstr("model.unk_token is 'x', must be a token"));
  EXPECT_THAT(message_of(json_with(R"({"type": "WordPiece", "vocab": {"[UNK]": -1}})")),
              HasSubstr("the id of token '[UNK]' must be a whole number"));
  EXPECT_THAT(message_of(json_with(R"({"type": "WordPiece", "vocab": {"[UNK]": 99999999999}})")),
              HasSubstr("must be in [0, 4194304)"));
  EXPECT_THAT(message_of(json_with(R"({"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 0}})")),
              HasSubstr("id 0 is given to two tokens"));
  EXPECT_THAT(message_of(json_with(R"({"type": "WordPiece", "vocab": {"[UNK]": 0}})",
                                   R"(, "post_processor": {"type": "BertProcessing",)"
                                   R"( "cls": ["a", 5], "sep": ["a", 5]})")),
              HasSubstr("t.json: an id before the text is 5, must be in [0, 1)"));
  EXPECT_THAT(message_of(R"({"model": {"type": "WordPiece", "vocab": {"[UNK]": 0}}})"),
              HasSubstr("BertNormalizer"));
}

}  // namespace
}  // namespace tinyllm
