#include "loader/export/gguf_source.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/temp_folder_test.h"
#include "loader/config_from_gguf.h"
#include "loader/export/config_to_gguf.h"
#include "loader/export/quantise_gguf.h"
#include "loader/export/tokenizer_to_gguf.h"
#include "loader/gguf_file.h"
#include "loader/safetensors_builder_test.h"
#include "loader/text/chat_template_source.h"
#include "loader/text/text_sources.h"
#include "quant/decode.h"
#include "rope/rope_frequencies.h"

namespace tinyllm {
namespace {

using testing::error_of;
using testing::TempFolder;

// Small folders of every architecture, as transformers writes them (make_tiny_models.py).
const std::filesystem::path kFolders = TINYLLM_SOURCE_DIR "/tests/golden/data/tiny";

class GgufSourceOf : public ::testing::TestWithParam<std::string> {
 protected:
  Checkpoint folder_ = Checkpoint::open(kFolders / GetParam());
  GgufSource source_{folder_};
};

// What config_from_gguf makes of the keys and tensors is what config_from_hf read, but for the
// pairing, which the rows of q and k follow.
TEST_P(GgufSourceOf, ConfigComesBack) {
  TensorMap tensors;
  for (const GgufTensorSource& source : source_.tensors()) tensors[source.name] = source.tensor;
  const ModelConfig want = folder_.config();
  const ModelConfig got = config_from_gguf(source_.metadata(), tensors);
  EXPECT_EQ(got.architecture, want.architecture);
  EXPECT_EQ(got.vocab_size, want.vocab_size);
  EXPECT_EQ(got.hidden_size, want.hidden_size);
  EXPECT_EQ(got.intermediate_size, want.intermediate_size);
  EXPECT_EQ(got.n_layers, want.n_layers);
  EXPECT_EQ(got.n_heads, want.n_heads);
  EXPECT_EQ(got.n_kv_heads, want.n_kv_heads);
  EXPECT_EQ(got.head_dim, want.head_dim);
  EXPECT_EQ(got.max_seq_len, want.max_seq_len);
  EXPECT_EQ(got.norm_eps, want.norm_eps);
  EXPECT_EQ(got.qkv_bias, want.qkv_bias);
  EXPECT_EQ(got.o_bias, want.o_bias);
  EXPECT_EQ(got.mlp_bias, want.mlp_bias);
  EXPECT_EQ(got.qk_norm, want.qk_norm);
  EXPECT_EQ(got.tie_word_embeddings, want.tie_word_embeddings);
  EXPECT_EQ(got.windows, want.windows);
  EXPECT_EQ(got.moe.n_experts, want.moe.n_experts);
  EXPECT_EQ(got.moe.n_experts_per_token, want.moe.n_experts_per_token);
  EXPECT_EQ(got.moe.intermediate_size, want.moe.intermediate_size);
  EXPECT_EQ(got.moe.shared_intermediate_size, want.moe.shared_intermediate_size);
  EXPECT_EQ(got.moe.norm_weights, want.moe.norm_weights);
  EXPECT_EQ(got.moe.dense_layers, want.moe.dense_layers);
  const auto frequencies_of = [](const ModelConfig& config) {
    return rope_frequencies(config.head_dim, config.rope_theta, config.rope_scaling);
  };
  const RopeFrequencies have = frequencies_of(got), need = frequencies_of(want);
  EXPECT_NEAR(have.attention_factor, need.attention_factor, 1e-6);
  for (std::size_t i = 0; i < need.inv_freq.size(); ++i) {
    EXPECT_NEAR(have.inv_freq[i] / need.inv_freq[i], 1.0, 1e-6) << i;  // keys are f32
  }
}

// Every row of q and k stands where a model of GGUF's pairing looks for it, with its bias.
TEST_P(GgufSourceOf, RowsOfAPairStandSideBySide) {
  const bool is_llama = folder_.config().architecture == "llama";
  const std::int64_t head_dim = folder_.config().head_dim;
  const ModelWeights weights = bind_weights(folder_);
  int n_seen = 0;
  for (const GgufTensorSource& source : source_.tensors()) {
    const bool turns = source.name == "blk.1.attn_q.weight" || source.name == "blk.1.attn_k.weight";
    if (!turns) {
      EXPECT_TRUE(source.name.find("attn_q") != std::string::npos ||
                  source.name.find("attn_k") != std::string::npos ||
                  source.interleaved_head_dim == 0);
      continue;
    }
    ++n_seen;
    EXPECT_EQ(source.interleaved_head_dim, is_llama ? head_dim : 0);
    for (std::int64_t i = 0; i < source.tensor.n_rows(); ++i) {
      const std::int64_t head = i / head_dim * head_dim, pair = i % head_dim / 2;
      const std::int64_t want = head + pair + (i % 2 == 0 ? 0 : head_dim / 2);
      EXPECT_EQ(source.row(i), is_llama ? want : i);
    }
  }
  EXPECT_EQ(n_seen, 2);
  for (const GgufTensorSource& source : source_.tensors()) {
    if (source.name != "blk.1.attn_q.bias") continue;
    EXPECT_EQ(source.tensor.f32()[1], weights.layers[1].q_bias.f32()[is_llama ? head_dim / 2 : 1]);
  }
}

INSTANTIATE_TEST_SUITE_P(Tiny, GgufSourceOf,
                         ::testing::Values("llama-bf16-tied", "llama-f32-untied-llama3-bias",
                                           "llama-f16-untied-linear-mlp-bias", "qwen2-bf16-tied",
                                           "qwen2-f32-untied", "qwen3-bf16-untied-yarn",
                                           "qwen3-f32-tied-yarn", "qwen2moe-f32-untied",
                                           "qwen3moe-bf16-tied", "mistral-f32-untied-window",
                                           "qwen2-bf16-tied-upper-windows",
                                           "qwen3-bf16-tied-listed-windows"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(ConfigToGguf, RefusesWhatHasNoKey) {
  const auto checkpoint = Checkpoint::open(kFolders / "qwen3-bf16-untied-yarn");
  ModelConfig config = checkpoint.config();
  config.rope_scaling.truncate = false;
  GgufKeys keys("folder");
  EXPECT_EQ(error_of(ErrorCode::unsupported, [&] { add_config_keys(config, keys); }),
            "folder: rope_scaling.truncate is false, which GGUF files cannot say; nothing is "
            "written");
}

// Ten rows: a special token, a word of the language, an unused id; bytes in the printable alphabet.
TokenizerSpec small_spec() {
  TokenizerSpec spec;
  spec.source = "folder/tokenizer.json";
  spec.tokens = {"<|begin|>", "<|im_end|>", "h", "i", "hi", " ", " hi", "<tool>", "", "\n"};
  spec.merges = {{"h", "i"}, {" ", "hi"}};
  spec.added_tokens = {{.id = 0, .text = "<|begin|>"},
                       {.id = 1, .text = "<|im_end|>"},
                       {.id = 7, .text = "<tool>", .special = false}};
  spec.pretokenizer_name = "qwen2";
  spec.pretokenizer = *pretokenizer_stages("qwen2");
  spec.nfc = true;
  spec.bos_id = 0;
  spec.eos_id = 1;
  return spec;
}

TEST(TokenizerToGguf, WritesWhatIsReadAgain) {
  GgufKeys keys("folder");
  TokenizerSpec spec = small_spec();
  spec.prefix_ids = {0};
  add_tokenizer_keys(spec, {{"pad_token", "<|im_end|>"}, {"unk_token", "<nowhere>"}}, keys);
  const GgufMetadata& found = keys.metadata();
  EXPECT_EQ(found.find_string("tokenizer.ggml.model"), "gpt2");
  EXPECT_EQ(found.find_string("tokenizer.ggml.pre"), "qwen2");
  EXPECT_EQ(*found.find_strings("tokenizer.ggml.tokens"),
            (std::vector<std::string_view>{"<|begin|>", "<|im_end|>", "h", "i", "hi", "\xC4\xA0",
                                           "\xC4\xA0hi", "<tool>", "[PAD8]", "\xC4\x8A"}));
  EXPECT_EQ(*found.find_integers("tokenizer.ggml.token_type"),
            (std::vector<std::int64_t>{3, 3, 1, 1, 1, 1, 1, 4, 5, 1}));
  EXPECT_EQ(found.find_count("tokenizer.ggml.bos_token_id"), 0);
  EXPECT_EQ(found.find_count("tokenizer.ggml.eos_token_id"), 1);
  EXPECT_EQ(found.find_count("tokenizer.ggml.padding_token_id"), 1);
  EXPECT_FALSE(found.contains("tokenizer.ggml.unknown_token_id"));
  EXPECT_EQ(found.find_bool("tokenizer.ggml.add_bos_token"), true);
  EXPECT_EQ(found.find_bool("tokenizer.ggml.add_eos_token"), false);
}

TEST(TokenizerToGguf, RefusesWhatGgufCannotSay) {
  const auto error = [](auto change) {
    TokenizerSpec spec = small_spec();
    change(spec);
    GgufKeys keys("folder");
    std::string message =
        error_of(ErrorCode::unsupported, [&] { add_tokenizer_keys(spec, {}, keys); });
    const std::string begin = "folder/tokenizer.json: ";
    const std::string end = ", which GGUF files cannot say; nothing is written";
    EXPECT_TRUE(message.starts_with(begin) && message.ends_with(end)) << message;
    return message.substr(begin.size(), message.size() - begin.size() - end.size());
  };
  EXPECT_EQ(error([](auto& spec) { spec.pretokenizer_name = "custom"; }),
            "its pretokenizer is none of the published ones");
  EXPECT_EQ(error([](auto& spec) { spec.nfc = false; }), "does not normalise text");
  EXPECT_EQ(error([](auto& spec) { spec.ignore_merges = true; }), "ignore_merges is true");
  EXPECT_EQ(error([](auto& spec) { spec.add_prefix_space = true; }), "add_prefix_space is true");
  EXPECT_EQ(error([](auto& spec) {
              spec.prefix_ids = {7, 0};
            }),
            "puts other tokens than BOS and EOS around a text");
  EXPECT_EQ(error([](auto& spec) { spec.added_tokens[2].lstrip = true; }),
            "token '<tool>' strips spaces or is a single word");
}

TEST(GgufSource, AFolderWithoutATokenizerSaysSo) {
  const Checkpoint folder = Checkpoint::open(kFolders / "qwen2-bf16-tied");
  const GgufSource source(folder);
  EXPECT_EQ(source.metadata().find_string("tokenizer.ggml.model"), "none");
  EXPECT_EQ(source.metadata().find_string("general.name"), "qwen2-bf16-tied");
}

TEST(GgufSource, TextOfAFolder) {
  const TempFolder folder;
  testing::write_tiny_hf_model(folder);
  folder.write("tokenizer.json", R"({
    "added_tokens": [{"id": 5, "content": "<|im_end|>", "special": true},
                     {"id": 6, "content": "<|stop|>", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "post_processor": null, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"h": 0, "i": 1, "hi": 2, "Ġ": 3, "Ġhi": 4},
              "merges": ["h i", "Ġ hi"]}})");
  folder.write("tokenizer_config.json",
               R"({"eos_token": "<|im_end|>", "chat_template": "{{ messages }}"})");
  folder.write("generation_config.json",
               R"({"eos_token_id": [5, 6], "temperature": 0.5, "top_k": 20})");
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  ThreadPool pool(1);
  const auto path = folder.path() / "out.gguf";
  quantise_gguf(GgufSource(checkpoint), DType::q8_0, path, pool, [](auto, auto) {});

  const Checkpoint written = Checkpoint::open(path);
  const ModelText text = load_model_text(written);
  ASSERT_TRUE(text.tokenizer);
  EXPECT_EQ(text.tokenizer->encode("hi hi<|im_end|>"), (std::vector<std::int32_t>{2, 4, 5}));
  EXPECT_EQ(text.defaults.stop_token_ids, (std::vector<std::int32_t>{5, 6}));
  EXPECT_EQ(text.defaults.temperature, 0.5f);
  EXPECT_EQ(text.defaults.top_k, 20);
  EXPECT_EQ(find_chat_template(written)->text, "{{ messages }}");
  EXPECT_EQ(written.gguf()->metadata().find_count("general.file_type"), 7);
}

TEST(GgufSource, DefaultsOfAFolderWithoutATokenizer) {
  const TempFolder folder;
  testing::write_tiny_hf_model(folder);
  nlohmann::json config = testing::tiny_hf_config("LlamaForCausalLM");
  config["eos_token_id"] = {5, 6};
  folder.write("config.json", config.dump());
  {
    const Checkpoint checkpoint = Checkpoint::open(folder.path());
    const GgufSource source(checkpoint);
    EXPECT_EQ(source.metadata().find_count("tokenizer.ggml.eos_token_id"), 5);
    EXPECT_EQ(source.metadata().find_count("tokenizer.ggml.eot_token_id"), 6);
  }
  folder.write("generation_config.json", R"({"eos_token_id": [5, 6, 7], "temperature": 0.5})");
  folder.write("chat_template.jinja", "{{ messages }}");
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  ThreadPool pool(1);
  const auto path = folder.path() / "out.gguf";
  quantise_gguf(GgufSource(checkpoint), DType::q8_0, path, pool, [](auto, auto) {});

  const Checkpoint written = Checkpoint::open(path);
  const ModelText text = load_model_text(written);
  EXPECT_FALSE(text.tokenizer);
  EXPECT_EQ(text.defaults.stop_token_ids, (std::vector<std::int32_t>{5, 6, 7}));
  EXPECT_EQ(text.defaults.temperature, 0.5f);
  EXPECT_EQ(find_chat_template(written)->text, "{{ messages }}");
}

TEST(GgufSource, RefusesMoreStopTokensThanKeys) {
  const TempFolder folder;
  testing::write_tiny_hf_model(folder);
  folder.write("generation_config.json", R"({"eos_token_id": [1, 5, 6, 7]})");
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(error_of(ErrorCode::unsupported, [&] { GgufSource source(checkpoint); }),
            folder.path().string() +
                ": 4 stop tokens, of which a GGUF file can name 3; nothing is written");
}

// A GGUF file's keys and tensors go through as they are.
TEST(GgufSource, AGgufFileStaysItself) {
  const TempFolder folder;
  const Checkpoint checkpoint = Checkpoint::open(kFolders / "llama-bf16-tied");
  ThreadPool pool(2);
  const auto path = folder.path() / "a.gguf";
  quantise_gguf(GgufSource(checkpoint), DType::q8_0, path, pool, [](auto, auto) {});
  const Checkpoint file = Checkpoint::open(path);
  const GgufSource source(file);
  EXPECT_EQ(&source.metadata(), &file.gguf()->metadata());
  ASSERT_EQ(source.tensors().size(), file.tensors().size());
  for (const GgufTensorSource& tensor : source.tensors()) {
    EXPECT_EQ(tensor.tensor.data, file.tensors().at(tensor.name).data);
    EXPECT_EQ(tensor.interleaved_head_dim, 0);
  }
}

}  // namespace
}  // namespace tinyllm
