#include "loader/text/text_sources.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/temp_folder_test.h"
#include "loader/gguf_builder_test.h"
#include "loader/hf_folder.h"
#include "loader/safetensors_builder_test.h"
#include "loader/text/chat_template_source.h"
#include "loader/text/tokenizer_from_hf.h"

namespace tinyllm {
namespace {

using testing::error_of;
using testing::GgufBuilder;
using testing::TempFolder;
using Ids = std::vector<TokenId>;

// A byte-level BPE of five tokens and one added one.
// `bos_template`: tokenizer.json adds BOS itself.
std::string tokenizer_json(bool bos_template = false) {
  nlohmann::json json = nlohmann::json::parse(R"({
    "added_tokens": [{"id": 5, "content": "<|im_end|>", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"h": 0, "i": 1, "hi": 2, "Ġ": 3, "Ġhi": 4},
              "merges": ["h i", "Ġ hi"]}})");
  if (bos_template) {
    json["post_processor"] = nlohmann::json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<|im_end|>", "type_id": 0}},
                 {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
      "special_tokens": {"<|im_end|>": {"id": "<|im_end|>", "ids": [5], "tokens": []}}})");
  }
  return json.dump();
}

// A tiny model's folder to which a test adds its files.
class TextFolder : public TempFolder {
 public:
  TextFolder() { testing::write_tiny_hf_model(*this); }
  Checkpoint open() const { return Checkpoint::open(path()); }
  std::optional<Tokenizer> tokenizer() const { return load_tokenizer(open()); }
};

TEST(TextSources, TokenizerOfAFolder) {
  const TextFolder folder;
  EXPECT_FALSE(folder.tokenizer().has_value());
  folder.write("tokenizer.json", tokenizer_json());
  folder.write("tokenizer_config.json", R"({"eos_token": {"content": "<|im_end|>"}})");
  const auto tokenizer = folder.tokenizer();
  ASSERT_TRUE(tokenizer.has_value());
  EXPECT_EQ(tokenizer->encode("hi hi<|im_end|>"), (Ids{2, 4, 5}));
  EXPECT_EQ(tokenizer->eos_id(), 5);
  EXPECT_EQ(tokenizer->bos_id(), std::nullopt);
  EXPECT_EQ(tokenizer->vocab_size(), 10);  // padded to the rows of the embedding
  EXPECT_EQ(tokenizer->token_bytes(9), "");
}

TEST(TextSources, ThePostProcessorDecidesAboutBosAndEos) {
  const TextFolder folder;
  folder.write("tokenizer.json", tokenizer_json(true));
  EXPECT_EQ(folder.tokenizer()->encode("hi"), (Ids{5, 2}));
  folder.write("tokenizer_config.json", R"({"add_bos_token": false, "bos_token": "<|im_end|>"})");
  EXPECT_EQ(folder.tokenizer()->encode("hi"), (Ids{5, 2}));
  folder.write("tokenizer_config.json",
               R"({"bos_token": "<|im_end|>", "tokenizer_class": "GPTNeoXTokenizer"})");
  EXPECT_EQ(folder.tokenizer()->encode("hi"), Ids{2});
  folder.write("tokenizer.json", tokenizer_json());
  folder.write("tokenizer_config.json",
               R"({"add_bos_token": true, "add_eos_token": true, "bos_token": "<|im_end|>"})");
  EXPECT_EQ(folder.tokenizer()->encode("hi"), Ids{2});
}

TEST(TextSources, AddedTokensOfTheConfig) {
  const TextFolder folder;
  folder.write("tokenizer.json", tokenizer_json());
  folder.write("tokenizer_config.json", R"({"added_tokens_decoder": {
      "5": {"content": "<|im_end|>", "special": true},
      "6": {"content": "<tool>", "special": false},
      "2": {"content": "hi", "single_word": true}}, "pad_token": "<pad>",
      "additional_special_tokens": ["<more>"]})");
  const auto tokenizer = folder.tokenizer();
  EXPECT_EQ(tokenizer->encode("hi<tool><pad><more>"), (Ids{2, 6, 7, 8}));
  EXPECT_FALSE(tokenizer->is_special(6));
  EXPECT_TRUE(tokenizer->is_special(7));
  folder.write("tokenizer_config.json",
               R"({"additional_special_tokens": ["6", "7", "8", "9", "far"]})");
  EXPECT_EQ(folder.tokenizer()->find("far"), std::nullopt);  // behind the end of the embedding
  folder.write("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "<a>"}}})");
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { folder.tokenizer(); }),
            (folder.path() / "tokenizer_config.json").string() +
                ": added_tokens_decoder has the key 'x', must be an id in [0, 4194304)");
}

TEST(TextSources, OlderFilesOfAddedTokens) {
  const TextFolder folder;
  folder.write("tokenizer.json", tokenizer_json());
  folder.write("added_tokens.json", R"({"<a>": 6})");
  folder.write("special_tokens_map.json", R"({"eos_token": {"content": "<|im_end|>"}})");
  EXPECT_EQ(folder.tokenizer()->encode("hi<a>"), (Ids{2, 6}));
  EXPECT_EQ(folder.tokenizer()->eos_id(), 5);
  folder.write("tokenizer_config.json",
               R"({"added_tokens_decoder": {}})");  // then both do not count
  EXPECT_EQ(folder.tokenizer()->find_added("<a>"), std::nullopt);
  EXPECT_EQ(folder.tokenizer()->eos_id(), std::nullopt);
}

TEST(TextSources, RefusesOtherVocabularies) {
  const TextFolder folder;
  folder.write("tokenizer.model", "");
  EXPECT_EQ(error_of(ErrorCode::unsupported, [&] { folder.tokenizer(); }),
            (folder.path() / "tokenizer.model").string() +
                ": is a SentencePiece vocabulary, which is not supported; supported is byte-level "
                "BPE in a tokenizer.json beside it");
  folder.write("tokenizer.json", tokenizer_json());
  EXPECT_TRUE(folder.tokenizer().has_value());
}

TEST(TextSources, ChatTemplateOfAFolder) {
  const TextFolder folder;
  EXPECT_FALSE(load_chat_template(folder.open()).has_value());
  folder.write("tokenizer_config.json", R"({
      "bos_token": {"content": "<s>", "special": true}, "eos_token": "</s>", "pad_token": null,
      "add_bos_token": false, "image_token": "<img>",
      "chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]})");
  const ChatTemplateSource source = *find_chat_template(folder.open());
  EXPECT_EQ(source.text, "D");
  EXPECT_EQ(source.special_tokens,
            (SpecialTokens{{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"image_token", "<img>"}}));
  folder.write("tokenizer_config.json",
               R"({"chat_template": [{"name": "tool_use", "template": "T"}]})");
  EXPECT_EQ(find_chat_template(folder.open())->text, "T");
  folder.write("tokenizer_config.json", R"({"chat_template": "S"})");
  EXPECT_EQ(find_chat_template(folder.open())->text, "S");
  folder.write("chat_template.json", R"({"chat_template": "J"})");
  EXPECT_EQ(find_chat_template(folder.open())->text, "J");
  folder.write("chat_template.jinja", "{{ bos_token }}F");
  folder.write("special_tokens_map.json", R"({"bos_token": "<map>"})");
  EXPECT_EQ(find_chat_template(folder.open())->special_tokens["bos_token"], "<map>");
  const auto loaded = load_chat_template(folder.open());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->render({{"messages", nlohmann::ordered_json::array()}}).text, "<map>F");
  folder.write("chat_template.jinja", "");
  folder.write("tokenizer_config.json", R"({"chat_template": 7})");
  std::filesystem::remove(folder.path() / "chat_template.jinja");
  std::filesystem::remove(folder.path() / "chat_template.json");
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { find_chat_template(folder.open()); }),
            (folder.path() / "tokenizer_config.json").string() +
                ": chat_template is 7, must be a string");
}

TEST(TextSources, ChatTemplateOfAGgufFile) {
  const TempFolder folder;
  GgufBuilder builder = testing::tiny_gguf_model("llama");
  builder.key_strings("tokenizer.ggml.tokens", {"<s>", "</s>"})
      .key_u32("tokenizer.ggml.bos_token_id", 0)
      .key_u32("tokenizer.ggml.padding_token_id", 1)
      .key_u32("tokenizer.ggml.eos_token_id", 7)
      .key_string("tokenizer.chat_template.tool_use", "T");
  const auto path = folder.write("m.gguf", builder.build());
  const ChatTemplateSource tools = *find_chat_template(Checkpoint::open(path));
  EXPECT_EQ(tools.text, "T");
  EXPECT_EQ(tools.special_tokens, (SpecialTokens{{"bos_token", "<s>"}, {"pad_token", "</s>"}}));
  folder.write("m.gguf", builder.key_string("tokenizer.chat_template", "D").build());
  EXPECT_EQ(find_chat_template(Checkpoint::open(path))->text, "D");
}

TEST(TextSources, GenerationDefaultsOfAFolder) {
  const TextFolder folder;
  auto config = testing::tiny_hf_config("LlamaForCausalLM");
  config["eos_token_id"] = 3;
  folder.write("config.json", config.dump());
  EXPECT_EQ(load_generation_defaults(folder.open(), nullptr).stop_token_ids, Ids{3});

  folder.write("generation_config.json", R"({"eos_token_id": [4, 2, 4, 99, -1], "temperature": 0.7,
      "top_p": 0.8, "top_k": 20, "min_p": null, "repetition_penalty": 1.1, "do_sample": true})");
  const GenerationDefaults defaults = load_generation_defaults(folder.open(), nullptr);
  EXPECT_EQ(defaults.stop_token_ids, (Ids{2, 4}));
  EXPECT_EQ(defaults.temperature, 0.7f);
  EXPECT_EQ(defaults.top_p, 0.8f);
  EXPECT_EQ(defaults.top_k, 20);
  EXPECT_EQ(defaults.min_p, std::nullopt);
  EXPECT_EQ(defaults.repetition_penalty, 1.1f);

  folder.write("tokenizer.json", tokenizer_json());
  folder.write("tokenizer_config.json", R"({"eos_token": "<|im_end|>"})");
  folder.write("generation_config.json", R"({"eos_token_id": 2})");
  const auto tokenizer = folder.tokenizer();
  EXPECT_EQ(load_generation_defaults(folder.open(), &*tokenizer).stop_token_ids, (Ids{2, 5}));
}

std::string warnings_of(const std::function<void()>& run) {
  ::testing::internal::CaptureStderr();
  run();
  return ::testing::internal::GetCapturedStderr();
}

// What cannot be meant is said once, at start, with file and field; the rest counts.
TEST(TextSources, RecommendationsThatCannotBeMeantAreLeftOut) {
  const TextFolder folder;
  const std::string source = (folder.path() / "generation_config.json").string();
  const Checkpoint checkpoint = folder.open();
  for (const auto& [field, message] : std::vector<std::pair<std::string, std::string>>{
           {R"("temperature": "hot")", "temperature is 'hot', must be a number"},
           {R"("temperature": -1.0)", "temperature is -1.0, must be in [0, 100]"},
           {R"("top_p": 0)", "top_p is 0, must be in (0, 1]"},
           {R"("min_p": 1.5)", "min_p is 1.5, must be in [0, 1]"},
           {R"("repetition_penalty": 0.0)", "repetition_penalty is 0.0, must be above 0"},
           {R"("eos_token_id": [2, 99])", "eos_token_id[1] is 99, must be an id in [0, 10)"}}) {
    folder.write("generation_config.json", "{" + field + R"(, "top_k": 7})");
    GenerationDefaults defaults;
    const std::string said =
        warnings_of([&] { defaults = load_generation_defaults(checkpoint, nullptr); });
    EXPECT_EQ(said, "warning: " + source + ": " + message + "; it is left out\n");
    EXPECT_EQ(defaults.top_k, 7);
    EXPECT_EQ(defaults.temperature, std::nullopt);
  }
  folder.write("generation_config.json", R"({"top_k": 2.5})");
  EXPECT_EQ(warnings_of([&] { load_generation_defaults(checkpoint, nullptr); }),
            "warning: " + source +
                ": top_k is 2.5, must be a whole number of at least 1, or 0 or -1 for all; it is "
                "left out\n");
  folder.write("generation_config.json", R"({"top_k": -1, "temperature": 0})");
  EXPECT_EQ(load_generation_defaults(checkpoint, nullptr).top_k, 0);
  EXPECT_EQ(load_generation_defaults(checkpoint, nullptr).temperature, 0.0f);
}

// Text is completed without the template, and the error is kept for who wants to chat.
TEST(TextSources, ATemplateThatDoesNotParseStopsNothingElse) {
  const TextFolder folder;
  folder.write("tokenizer.json", tokenizer_json());
  folder.write("chat_template.jinja", "{% include 'x' %}");
  const Checkpoint checkpoint = folder.open();
  const std::string error = "chat template, line 1, column 4: tag 'include' is not supported";
  ModelText text;
  const std::string said = warnings_of([&] { text = load_model_text(checkpoint); });
  EXPECT_EQ(text.chat_template_error, error);
  EXPECT_EQ(said, "warning: " + folder.path().string() +
                      ": messages are refused, only text is completed: " + error + "\n");
  EXPECT_FALSE(text.chat_template.has_value());
  EXPECT_EQ(text.tokenizer->encode("hi"), Ids{2});
  EXPECT_EQ(error_of(ErrorCode::unsupported, [&] { load_chat_template(checkpoint); }), error);
}

TEST(TextSources, GenerationDefaultsOfAGgufFile) {
  const TempFolder folder;
  GgufBuilder builder = testing::tiny_gguf_model("llama");
  builder.key_string("tokenizer.ggml.model", "gpt2")
      .key_string("tokenizer.ggml.pre", "gpt-2")
      .key_strings("tokenizer.ggml.tokens", {"<|endoftext|>", "<|im_end|>", "</s>", "<|eot_id|>",
                                             "a", "<|fim_pad|>", "b", "c", "d", "e"})
      // "</s>" is an ordinary token here: no end.
      .key_i32s("tokenizer.ggml.token_type", {3, 3, 1, 3, 1, 3, 1, 1, 1, 1})
      .key_strings("tokenizer.ggml.merges", {})
      .key_u32("tokenizer.ggml.eos_token_id", 1)
      .key_u32("tokenizer.ggml.eot_token_id", 4)
      .key_f32("general.sampling.temp", 0.5f)
      .number("general.sampling.top_k", GgufType::int32, std::int32_t{40});
  const auto path = folder.write("m.gguf", builder.build());
  const Checkpoint checkpoint = Checkpoint::open(path);
  const auto tokenizer = load_tokenizer(checkpoint);
  const GenerationDefaults defaults = load_generation_defaults(checkpoint, &*tokenizer);
  EXPECT_EQ(defaults.stop_token_ids, (Ids{0, 1, 3, 4}));
  EXPECT_EQ(defaults.temperature, 0.5f);
  EXPECT_EQ(defaults.top_k, 40);
  EXPECT_EQ(defaults.top_p, std::nullopt);
  EXPECT_EQ(load_generation_defaults(checkpoint, nullptr).stop_token_ids, (Ids{1, 4}));
}

// Converters have written end tokens as user-defined
// or as ordinary ones, and "no such token" as -1.
TEST(TextSources, EndTokensOfTheWrongTypeAndIdsOfMinusOne) {
  const TempFolder folder;
  GgufBuilder builder = testing::tiny_gguf_model("llama");
  builder.key_string("tokenizer.ggml.model", "gpt2")
      .key_string("tokenizer.ggml.pre", "gpt-2")
      .key_strings("tokenizer.ggml.tokens",
                   {"<|im_end|>", "<|eot_id|>", "</s>", "a", "b", "c", "d", "e", "f", "g"})
      .key_i32s("tokenizer.ggml.token_type", {4, 1, 4, 1, 1, 1, 1, 1, 1, 1})
      .key_strings("tokenizer.ggml.merges", {})
      .key_u32("tokenizer.ggml.eos_token_id", 0xFFFFFFFFu)
      .number("tokenizer.ggml.bos_token_id", GgufType::int32, std::int32_t{-1})
      .number("tokenizer.ggml.eot_token_id", GgufType::int64, std::int64_t{-1});
  const auto path = folder.write("m.gguf", builder.build());
  const Checkpoint checkpoint = Checkpoint::open(path);
  const auto tokenizer = load_tokenizer(checkpoint);
  EXPECT_EQ(tokenizer->eos_id(), std::nullopt);
  EXPECT_EQ(tokenizer->bos_id(), std::nullopt);
  EXPECT_EQ(load_generation_defaults(checkpoint, &*tokenizer).stop_token_ids, (Ids{0, 1, 2}));
}

}  // namespace
}  // namespace tinyllm
