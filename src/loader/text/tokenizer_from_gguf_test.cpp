#include "loader/text/tokenizer_from_gguf.h"

#include <gtest/gtest.h>

#include "base/temp_folder_test.h"
#include "loader/gguf.h"
#include "loader/gguf_builder_test.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

using testing::as_bytes;
using testing::error_of;
using testing::GgufBuilder;
using testing::TempFolder;

// Ten tokens, as many as the tiny model has rows: a control token, an ordinary one with a space
// (written in the printable alphabet), a user-defined one, an unused one.
GgufBuilder& add_vocab(GgufBuilder& builder, const std::string& pre) {
  return builder.key_string("tokenizer.ggml.model", "gpt2")
      .key_string("tokenizer.ggml.pre", pre)
      .key_strings("tokenizer.ggml.tokens", {"<|begin|>", "<|im_end|>", "h", "i", "hi", "\xC4\xA0",
                                             "\xC4\xA0hi", "<tool>", "[PAD8]", "!"})
      .key_i32s("tokenizer.ggml.token_type", {3, 3, 1, 1, 1, 1, 1, 4, 5, 1})
      .key_strings("tokenizer.ggml.merges", {"h i", "\xC4\xA0 hi"})
      .key_u32("tokenizer.ggml.bos_token_id", 0)
      .key_u32("tokenizer.ggml.eos_token_id", 1);
}

std::optional<TokenizerSpec> spec_of(const GgufBuilder& builder) {
  const std::string file = builder.build();
  return tokenizer_from_gguf(parse_gguf(as_bytes(file), "m.gguf").metadata);
}
std::string spec_error(const GgufBuilder& builder, ErrorCode code) {
  return error_of(code, [&] { spec_of(builder); });
}

TEST(TokenizerFromGguf, ReadsTokensTypesAndMerges) {
  GgufBuilder builder;
  const TokenizerSpec spec = *spec_of(add_vocab(builder, "qwen2"));
  EXPECT_EQ(spec.tokens, (std::vector<std::string>{"<|begin|>", "<|im_end|>", "h", "i", "hi", " ",
                                                   " hi", "<tool>", "", "!"}));
  ASSERT_EQ(spec.added_tokens.size(), 3u);
  EXPECT_TRUE(spec.added_tokens[0].special);
  EXPECT_EQ(spec.added_tokens[2].text, "<tool>");
  EXPECT_FALSE(spec.added_tokens[2].special);
  EXPECT_EQ(spec.merges[1], (std::pair<std::string, std::string>{" ", "hi"}));
  EXPECT_EQ(spec.pretokenizer_name, "qwen2");
  EXPECT_TRUE(spec.nfc);
  EXPECT_FALSE(spec.ignore_merges);
  EXPECT_EQ(spec.bos_id, 0);
  EXPECT_EQ(spec.eos_id, 1);
  EXPECT_TRUE(spec.prefix_ids.empty() && spec.suffix_ids.empty());
}

TEST(TokenizerFromGguf, PretokenizersDiffer) {
  const auto spec = [](const std::string& pre) {
    GgufBuilder builder;
    return *spec_of(add_vocab(builder, pre));
  };
  EXPECT_EQ(spec("llama-bpe").pretokenizer_name, "llama3");
  EXPECT_TRUE(spec("llama-bpe").ignore_merges);
  EXPECT_EQ(spec("llama-bpe").prefix_ids, std::vector<TokenId>{0});
  EXPECT_FALSE(spec("llama-bpe").nfc);
  EXPECT_EQ(spec("smollm").pretokenizer_name, "smollm");
  EXPECT_EQ(spec("gpt-2").pretokenizer_name, "gpt2");
  EXPECT_EQ(spec("deepseek-r1-qwen").pretokenizer_name, "qwen2");
}

TEST(TokenizerFromGguf, FileDecidesAboutBosAndEos) {
  GgufBuilder builder;
  add_vocab(builder, "llama-bpe")
      .key_bool("tokenizer.ggml.add_bos_token", false)
      .key_bool("tokenizer.ggml.add_eos_token", true);
  const TokenizerSpec spec = *spec_of(builder);
  EXPECT_TRUE(spec.prefix_ids.empty());
  EXPECT_EQ(spec.suffix_ids, std::vector<TokenId>{1});
}

TEST(TokenizerFromGguf, RefusesByName) {
  EXPECT_EQ(spec_of(GgufBuilder()), std::nullopt);
  const auto model = [](const std::string& name) {
    return spec_error(GgufBuilder().key_string("tokenizer.ggml.model", name),
                      ErrorCode::unsupported);
  };
  EXPECT_EQ(model("llama"),
            "m.gguf: tokenizer.ggml.model is 'llama' (SentencePiece), which is not supported; "
            "supported is 'gpt2' (byte-level BPE)");
  EXPECT_EQ(model("bert"),
            "m.gguf: tokenizer.ggml.model is 'bert' (WordPiece), which is not supported; supported "
            "is 'gpt2' (byte-level BPE)");
  EXPECT_EQ(model("new"),
            "m.gguf: tokenizer.ggml.model is 'new', which is not supported; supported is 'gpt2' "
            "(byte-level BPE)");
  EXPECT_EQ(model("gpt2"),
            "m.gguf: tokenizer.ggml.pre is missing, so how to split text is not known; the file is "
            "from before April 2024, convert the model again");
  GgufBuilder unknown;
  EXPECT_EQ(spec_error(add_vocab(unknown, "tekken"), ErrorCode::unsupported),
            "m.gguf: tokenizer.ggml.pre is 'tekken', which is not supported; supported are qwen2, "
            "deepseek-r1-qwen, llama-bpe, llama3, llama-v3, falcon3, smollm, gpt-2");
}

TEST(TokenizerFromGguf, RefusesBrokenVocabularies) {
  const auto error = [](auto add) {
    GgufBuilder builder;
    builder.key_string("tokenizer.ggml.model", "gpt2").key_string("tokenizer.ggml.pre", "gpt-2");
    add(builder);
    return spec_error(builder, ErrorCode::invalid_input);
  };
  EXPECT_EQ(error([](GgufBuilder&) {}), "m.gguf: tokenizer.ggml.tokens is missing or empty");
  EXPECT_EQ(error([](GgufBuilder& b) { b.key_strings("tokenizer.ggml.tokens", {"a"}); }),
            "m.gguf: tokenizer.ggml.merges is missing");
  EXPECT_EQ(error([](GgufBuilder& b) {
              b.key_strings("tokenizer.ggml.tokens", {"a", "b"})
                  .key_i32s("tokenizer.ggml.token_type", {1});
            }),
            "m.gguf: there are 2 tokens and 1 token types, must be as many");
  for (const std::string merge : {"ab", " b", "a ", "a \xE4\xB8\xAD", ""}) {
    const std::string message = error([&](GgufBuilder& b) {
      b.key_strings("tokenizer.ggml.tokens", {"a", "b"})
          .key_strings("tokenizer.ggml.merges", {merge});
    });
    EXPECT_EQ(message.find("m.gguf: tokenizer.ggml.merges[0] is '"), 0u) << message;
  }
}

// As llama.cpp: a warning, and there is no such token.
TEST(TokenizerFromGguf, IdsOutsideTheVocabularyAreLeftOut) {
  GgufBuilder builder;
  builder.key_string("tokenizer.ggml.model", "gpt2")
      .key_string("tokenizer.ggml.pre", "gpt-2")
      .key_strings("tokenizer.ggml.tokens", {"a"})
      .key_strings("tokenizer.ggml.merges", {})
      .key_u32("tokenizer.ggml.eos_token_id", 1);
  ::testing::internal::CaptureStderr();
  const auto spec = spec_of(builder);
  EXPECT_EQ(
      ::testing::internal::GetCapturedStderr(),
      "warning: m.gguf: tokenizer.ggml.eos_token_id is 1, must be in [0, 1); it is left out\n");
  EXPECT_EQ(spec->eos_id, std::nullopt);
}

TEST(LoadTokenizer, FromGguf) {
  const TempFolder folder;
  GgufBuilder builder = testing::tiny_gguf_model("qwen2");
  const auto path = folder.write("m.gguf", add_vocab(builder, "qwen2").build());
  const Checkpoint checkpoint = Checkpoint::open(path);
  const auto tokenizer = load_tokenizer(checkpoint);
  ASSERT_TRUE(tokenizer.has_value());
  EXPECT_EQ(tokenizer->encode("hi hi<|im_end|>"), (std::vector<TokenId>{4, 6, 1}));
  EXPECT_EQ(tokenizer->vocab_size(), 10);

  const auto bare = folder.write("bare.gguf", testing::tiny_gguf_model("llama").build());
  EXPECT_FALSE(load_tokenizer(Checkpoint::open(bare)).has_value());
}

TEST(LoadTokenizer, RefusesAnotherModelsTokenizer) {
  const TempFolder folder;
  GgufBuilder builder = testing::tiny_gguf_model("llama");
  builder.key_string("tokenizer.ggml.model", "gpt2")
      .key_string("tokenizer.ggml.pre", "gpt-2")
      .key_strings("tokenizer.ggml.tokens", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"})
      .key_strings("tokenizer.ggml.merges", {});
  const auto path = folder.write("m.gguf", builder.build());
  const Checkpoint checkpoint = Checkpoint::open(path);
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { load_tokenizer(checkpoint); }),
            path.string() +
                ": token 'k' has id 10, the model has 10 ids; the tokenizer belongs to another "
                "model");
}

}  // namespace
}  // namespace tinyllm
