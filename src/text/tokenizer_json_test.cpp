#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

using Json = nlohmann::json;

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
       "t.json: model.byte_fallback is true, must be false (SentencePiece's BPE)"},
      {"/model/dropout", 0.1, "t.json: model.dropout is 0.1, must be null"},
      {"/model/end_of_word_suffix", "</w>",
       "t.json: model.end_of_word_suffix is '</w>', must be empty"},
      {"/model/vocab", Json::array(), "t.json: model.vocab is an array, must be an object"},
      {"/model/vocab/a", -1,
       "t.json: model.vocab: the id of token 'a' must be a whole number below 4194304"},
      {"/model/vocab/a", 4'194'304,
       "t.json: model.vocab: the id of token 'a' must be a whole number below 4194304"},
      {"/model/vocab/a", 1, "t.json: id 1 is given to two tokens, 'a' and 'b'"},
      {"/model/vocab/<s>", 0, "t.json: token '<s>' has id 0 in model.vocab and 4 in added_tokens"},
      {"/model/merges/0", "Ġa", "t.json: model.merges[0] must be two tokens"},
      {"/model/merges/0", Json{"a", 1}, "t.json: model.merges[0] must be two tokens"},
      {"/model/merges/0", "a b", "t.json: merge 0 is 'a' with 'b', but 'ab' is not a token"},
      {"/model/unk_token", "z", "t.json: model.unk_token is 'z', must be a token"},
      {"/normalizer", Json{{"type", "NFKC"}}, "t.json: normalizer.type is 'NFKC', must be 'NFC'"},
      {"/pre_tokenizer", nullptr,
       "t.json: pre_tokenizer is null, must be one that ends with ByteLevel"},
      {"/pre_tokenizer/type", "Metaspace",
       "t.json: pre_tokenizer.type is 'Metaspace', must be Sequence, Split, Digits or ByteLevel"},
      {"/post_processor", Json{{"type", "RobertaProcessing"}},
       "t.json: post_processor.type is 'RobertaProcessing', must be Sequence, TemplateProcessing "
       "or ByteLevel"},
      {"/decoder/type", "Metaspace", "t.json: decoder.type is 'Metaspace', must be 'ByteLevel'"},
      {"/added_tokens/0/id", -4,
       "t.json: added_tokens[0].id is -4, must be a whole number below 2^31"},
      {"/added_tokens/0/id", 5'000'000,
       "t.json: token '<s>' has id 5000000, must be in [0, 4194304)"},
      {"/added_tokens/0/content", 1, "t.json: added_tokens[0].content is 1, must be a string"},
  };
  for (const Case& refused : cases) {
    EXPECT_EQ(refusal([&](Json& document) {
                document[Json::json_pointer(refused.pointer)] = refused.value;
              }),
              refused.message);
  }
  EXPECT_THAT(refusal([](Json& document) { document["model"]["vocab"]["\u2581a"] = 5; }),
              testing::StartsWith("t.json: model.vocab: token '\\xe2\\x96\\x81a' is not written in "
                                  "the byte-level alphabet"));
}

}  // namespace
}  // namespace tinyllm
