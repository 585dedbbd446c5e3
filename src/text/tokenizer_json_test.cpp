#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

Json small_document() {
  return Json::parse(R"({
    "added_tokens": [{"id": 4, "content": "<s>", "special": true, "normalized": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "Ġ": 2, "Ġa": 3}, "merges": ["Ġ a"]}})");
}

std::string refusal(const std::function<void(Json&)>& spoil) {
  Json document = small_document();
  spoil(document);
  try {
    Tokenizer tokenizer(parse_tokenizer_json(document.dump(), "t.json"));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TokenizerJson, Reads) {
  const TokenizerSpec spec = parse_tokenizer_json(small_document().dump(), "t.json");
  EXPECT_EQ(spec.tokens, (std::vector<std::string>{"a", "b", " ", " a", "<s>"}));
  ASSERT_EQ(spec.merges.size(), 1u);
  EXPECT_EQ(spec.merges[0], (std::pair<std::string, std::string>{" ", "a"}));
  EXPECT_EQ(spec.pretokenizer_name, "gpt2");
  EXPECT_FALSE(spec.nfc);
  EXPECT_EQ(Tokenizer(spec).encode("b a<s>", {}), (std::vector<TokenId>{1, 3, 4}));
}

TEST(TokenizerJson, MergesAsPairsAndUnknownToken) {
  Json document = small_document();
  document["model"]["merges"] = Json::parse(R"([["Ġ", "a"]])");
  document["model"]["unk_token"] = "b";
  const TokenizerSpec spec = parse_tokenizer_json(document.dump(), "t.json");
  EXPECT_EQ(spec.merges[0], (std::pair<std::string, std::string>{" ", "a"}));
  EXPECT_EQ(Tokenizer(spec).encode("z a", {}), (std::vector<TokenId>{1, 3}));
}

TEST(TokenizerJson, HolesInTheVocabularyAreEmptyTokens) {
  Json document = small_document();
  document["model"]["vocab"]["b"] = 9;
  const Tokenizer tokenizer(parse_tokenizer_json(document.dump(), "t.json"));
  EXPECT_EQ(tokenizer.vocab_size(), 10);
  EXPECT_EQ(tokenizer.token_bytes(7), "");
}

// What no byte spells is decoded as its text and never made.
TEST(TokenizerJson, TokensOutsideTheByteAlphabet) {
  Json document = small_document();
  document["model"]["vocab"]["\u2581a"] = 4;
  document["added_tokens"][0]["id"] = 5;
  const Tokenizer tokenizer(parse_tokenizer_json(document.dump(), "t.json"));
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{4, 0}), "\u2581aa");
  EXPECT_EQ(tokenizer.encode("\u2581a"), Ids{0});
}

// An added token "Å" is the letter in a text, but the byte 0xC5 to BPE and when it is decoded.
TEST(TokenizerJson, AddedTokenSpeltInTheByteAlphabet) {
  Json document = small_document();
  document["added_tokens"][0] = {{"id", 4}, {"content", "\u00c5"}, {"special", false}};
  document["model"]["vocab"]["\u00c5"] = 4;
  document["model"]["vocab"]["\u00bf"] = 5;
  const Tokenizer tokenizer(parse_tokenizer_json(document.dump(), "t.json"));
  EXPECT_EQ(tokenizer.encode("\u017f"), (Ids{4, 5}));  // bytes C5 BF
  EXPECT_EQ(tokenizer.encode("\u00c5"), Ids{4});
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{4, 5}), "\u017f");
}

TEST(TokenizerJson, IgnoreMergesNeverMakesAnAddedToken) {
  Json document = small_document();
  document["model"]["ignore_merges"] = true;
  document["added_tokens"][0]["content"] = "ab";
  EXPECT_EQ(Tokenizer(parse_tokenizer_json(document.dump(), "t.json"))
                .encode("ab", {.parse_special = false}),
            (Ids{0, 1}));
  document["model"]["vocab"]["ab"] = 4;  // a special token stays out of reach in the vocabulary too
  EXPECT_EQ(Tokenizer(parse_tokenizer_json(document.dump(), "t.json"))
                .encode("ab", {.parse_special = false}),
            (Ids{0, 1}));
}

TEST(TokenizerJson, LaterFlagsWin) {
  Json document = small_document();
  TokensBeside beside;
  beside.by_id[4] = {.text = "<s>", .special = false, .lstrip = true};
  beside.has_decoder = true;
  beside.named = {{.text = "<new>"}};
  const Tokenizer tokenizer(parse_tokenizer_json(document.dump(), "t.json", beside));
  EXPECT_EQ(tokenizer.encode("b <s><new>"), (Ids{1, 4, 5}));  // the space belongs to <s>
  EXPECT_TRUE(tokenizer.is_special(4));                       // special once, special for ever
}

TEST(TokenizerJson, UnknownBytesMayFuse) {
  Json document = small_document();
  document["model"]["unk_token"] = "b";
  EXPECT_EQ(Tokenizer(parse_tokenizer_json(document.dump(), "t.json")).encode("zza"),
            (Ids{1, 1, 0}));
  document["model"]["fuse_unk"] = true;
  EXPECT_EQ(Tokenizer(parse_tokenizer_json(document.dump(), "t.json")).encode("zza"), (Ids{1, 0}));
}

struct Case {
  const char* pointer;  // JSON pointer to what is replaced
  Json value;
  const char* message;
};

TEST(TokenizerJson, RefusesByName) {
  const std::vector<Case> cases = {
      {"/model/type", "Unigram",
       "t.json: model.type is 'Unigram', must be 'BPE' (WordPiece, Unigram and WordLevel are not "
       "supported)"},
      {"/model/byte_fallback", true,
       "t.json: model.byte_fallback is true, must be false in a vocabulary that lacks single "
       "bytes"},
      {"/model/dropout", 0.1, "t.json: model.dropout is 0.1, must be null or 0"},
      {"/model/end_of_word_suffix", "</w>",
       "t.json: model.end_of_word_suffix is '</w>', must be empty"},
      {"/model/vocab", Json::array(), "t.json: model.vocab is an array, must be an object"},
      {"/model/vocab/a", -1,
       "t.json: model.vocab: the id of token 'a' must be a whole number below 4194304"},
      {"/model/vocab/a", 4'194'304,
       "t.json: model.vocab: the id of token 'a' must be a whole number below 4194304"},
      {"/model/vocab/a", 1, "t.json: id 1 is given to two tokens, 'a' and 'b'"},
      {"/model/vocab/<s>", 0, "t.json: id 0 is given to two tokens, '<s>' and 'a'"},
      {"/model/merges/0", "Ġa", "t.json: model.merges[0] must be two tokens"},
      {"/model/merges/0", Json{"a", 1}, "t.json: model.merges[0] must be two tokens"},
      {"/model/merges/0", "a b", "t.json: merge 0 is 'a' with 'b', but 'ab' is not a token"},
      {"/model/unk_token", "z", "t.json: model.unk_token is 'z', must be a token"},
      {"/normalizer", Json{{"type", "NFKC"}}, "t.json: normalizer.type is 'NFKC', must be 'NFC'"},
      {"/pre_tokenizer", nullptr,
       "t.json: pre_tokenizer is null, must be one that ends with ByteLevel"},
      {"/pre_tokenizer/type", "Metaspace",
       "t.json: pre_tokenizer.type is 'Metaspace', must be Sequence, Split, Digits or ByteLevel"},
      {"/post_processor", Json{{"type", "Padding"}},
       "t.json: post_processor.type is 'Padding', must be Sequence, TemplateProcessing, "
       "RobertaProcessing, BertProcessing or ByteLevel"},
      {"/decoder/type", "Metaspace", "t.json: decoder.type is 'Metaspace', must be 'ByteLevel'"},
      {"/added_tokens/0/id", -4,
       "t.json: added_tokens[0].id is -4, must be a whole number below 2^31"},
      {"/added_tokens/0/content", 1, "t.json: added_tokens[0].content is 1, must be a string"},
  };
  for (const Case& refused : cases) {
    EXPECT_EQ(refusal([&](Json& document) {
                document[Json::json_pointer(refused.pointer)] = refused.value;
              }),
              refused.message);
  }
}

}  // namespace
}  // namespace tinyllm
