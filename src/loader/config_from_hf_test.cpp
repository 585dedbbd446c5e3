#include "loader/config_from_hf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/temp_folder_test.h"
#include "loader/safetensors_builder_test.h"

namespace tinyllm {
namespace {

using nlohmann::json;
using testing::error_of;

// The tiny config with some fields replaced.
json with(const std::string& hugging_face_class, const json& changes) {
  json config = testing::tiny_hf_config(hugging_face_class);
  config.update(changes);
  return config;
}
ModelConfig config_of(const json& config) { return config_from_hf(config, "config.json"); }
std::string config_error(const json& config, ErrorCode code = ErrorCode::invalid_input) {
  return error_of(code, [&] { config_of(config); });
}

// Expected values: the classes' own defaults in transformers 5.23.
TEST(ConfigFromHf, DefaultsOfEachClass) {
  const ModelConfig llama = config_of({{"architectures", {"LlamaForCausalLM"}}});
  EXPECT_EQ(llama.architecture, "llama");
  EXPECT_EQ(llama.vocab_size, 32000);
  EXPECT_EQ(llama.hidden_size, 4096);
  EXPECT_EQ(llama.intermediate_size, 11008);
  EXPECT_EQ(llama.n_layers, 32);
  EXPECT_EQ(llama.n_kv_heads, 32);
  EXPECT_EQ(llama.head_dim, 128);
  EXPECT_EQ(llama.max_seq_len, 2048);
  EXPECT_EQ(llama.norm_eps, 1e-6f);
  EXPECT_EQ(llama.rope_theta, 10000.0);
  EXPECT_FALSE(llama.qkv_bias || llama.o_bias || llama.mlp_bias || llama.tie_word_embeddings);
  const ModelConfig qwen2 = config_of({{"architectures", {"Qwen2ForCausalLM"}}});
  EXPECT_EQ(qwen2.vocab_size, 151936);
  EXPECT_EQ(qwen2.intermediate_size, 22016);
  EXPECT_EQ(qwen2.max_seq_len, 32768);
  EXPECT_TRUE(qwen2.qkv_bias);
  EXPECT_FALSE(qwen2.o_bias);
  const ModelConfig qwen3 = config_of({{"model_type", "qwen3"},
                                       {"hidden_size", 1024},
                                       {"num_attention_heads", 16},
                                       {"num_key_value_heads", 8}});
  EXPECT_EQ(qwen3.head_dim, 128);
  EXPECT_TRUE(qwen3.qk_norm);
  EXPECT_FALSE(qwen3.qkv_bias);
}

TEST(ConfigFromHf, NullAndAbsentFields) {
  const ModelConfig llama = config_of(
      with("LlamaForCausalLM",
           {{"num_key_value_heads", nullptr}, {"head_dim", nullptr}, {"rope_scaling", nullptr}}));
  EXPECT_EQ(llama.n_kv_heads, 2);
  EXPECT_EQ(llama.head_dim, 4);
  json absent = testing::tiny_hf_config("Qwen2ForCausalLM");
  absent.erase("num_key_value_heads");
  EXPECT_EQ(config_error(absent),
            "config.json: the number of heads is 2, must be a multiple of 32 k/v heads");
  absent["num_key_value_heads"] = nullptr;
  EXPECT_EQ(config_of(absent).n_kv_heads, 2);
}

TEST(ConfigFromHf, BiasesAndTies) {
  const ModelConfig llama = config_of(
      with("LlamaForCausalLM",
           {{"attention_bias", true}, {"mlp_bias", true}, {"tie_word_embeddings", true}}));
  EXPECT_TRUE(llama.qkv_bias && llama.o_bias && llama.mlp_bias && llama.tie_word_embeddings);
  const ModelConfig qwen3 = config_of(with("Qwen3ForCausalLM", {{"attention_bias", true}}));
  EXPECT_TRUE(qwen3.qkv_bias && qwen3.o_bias);
  // Qwen2 has no such switches.
  const ModelConfig qwen2 =
      config_of(with("Qwen2ForCausalLM", {{"attention_bias", false}, {"mlp_bias", true}}));
  EXPECT_TRUE(qwen2.qkv_bias);
  EXPECT_FALSE(qwen2.o_bias || qwen2.mlp_bias);
}

TEST(ConfigFromHf, RopeOldAndNew) {
  EXPECT_EQ(config_of(with("LlamaForCausalLM", {{"rope_theta", 500000}})).rope_theta, 500000.0);
  EXPECT_EQ(config_of(with("LlamaForCausalLM",
                           {{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 7e5}}}}))
                .rope_theta,
            7e5);
  const ModelConfig linear =
      config_of(with("LlamaForCausalLM", {{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}}));
  EXPECT_EQ(linear.rope_scaling.type, RopeScaling::Type::linear);
  EXPECT_EQ(linear.rope_scaling.factor, 2.0);
  EXPECT_EQ(linear.max_seq_len, 64);

  const json llama3 = {{"rope_type", "llama3"},   {"rope_theta", 5e5},
                       {"factor", 8.0},           {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 32}};
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const ModelConfig config = config_of(with("LlamaForCausalLM", {{key, llama3}}));
    EXPECT_EQ(config.rope_scaling.type, RopeScaling::Type::llama3);
    EXPECT_EQ(config.rope_scaling.factor, 8.0);
    EXPECT_EQ(config.rope_scaling.high_freq_factor, 4.0);
    EXPECT_EQ(config.rope_scaling.original_max_seq_len, 32.0);
    EXPECT_EQ(config.rope_theta, 5e5);
    EXPECT_EQ(config.max_seq_len, 64);
  }
  const ModelConfig nested =
      config_of(with("Qwen3ForCausalLM", {{"layer_types", {"full_attention"}},
                                          {"rope_parameters", {{"full_attention", llama3}}}}));
  EXPECT_EQ(nested.rope_theta, 5e5);
}

TEST(ConfigFromHf, Yarn) {
  json yarn = {{"type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 64}};
  const auto scaling = [&] {
    return config_of(with("Qwen2ForCausalLM", {{"rope_scaling", yarn}})).rope_scaling;
  };
  EXPECT_EQ(config_of(with("Qwen2ForCausalLM", {{"rope_scaling", yarn}})).max_seq_len, 256);
  EXPECT_EQ(scaling().type, RopeScaling::Type::yarn);
  EXPECT_DOUBLE_EQ(scaling().attention_factor, 0.1 * std::log(4.0) + 1.0);
  EXPECT_EQ(scaling().beta_fast, 32.0);
  EXPECT_TRUE(scaling().truncate);
  yarn.update({{"mscale", 2.0},
               {"mscale_all_dim", 1.0},
               {"beta_fast", 0},
               {"beta_slow", 2},
               {"truncate", false}});
  EXPECT_DOUBLE_EQ(scaling().attention_factor,
                   (0.2 * std::log(4.0) + 1.0) / (0.1 * std::log(4.0) + 1.0));
  EXPECT_EQ(scaling().beta_fast, 32.0);  // 0 means the default
  EXPECT_EQ(scaling().beta_slow, 2.0);
  EXPECT_FALSE(scaling().truncate);
  yarn["attention_factor"] = 1.5;
  EXPECT_EQ(scaling().attention_factor, 1.5);
  yarn["factor"] = nullptr;  // then the quotient of the two lengths
  yarn["original_max_position_embeddings"] = 32;
  EXPECT_EQ(scaling().factor, 2.0);
}

// The windows of a file of six layers.
std::vector<std::int64_t> windows_of(const char* class_name, const json& changes) {
  json config = with(class_name, changes);
  config["num_hidden_layers"] = 6;
  std::vector<std::int64_t> windows;
  for (const AttentionWindow& layer : config_from_hf(config, "config.json").windows) {
    EXPECT_EQ(layer.sinks, 0);
    windows.push_back(layer.window);
  }
  return windows;
}

TEST(ConfigFromHf, SlidingWindows) {
  using Windows = std::vector<std::int64_t>;
  const char* qwen2 = "Qwen2ForCausalLM";
  // Published Qwen2.5 files say this, and it is not active.
  EXPECT_EQ(windows_of(qwen2, {{"use_sliding_window", false},
                               {"sliding_window", 32768},
                               {"max_window_layers", 0}}),
            Windows{});
  const json on = {{"use_sliding_window", true}, {"sliding_window", 7}};
  const auto on_with = [&](json changes) {
    changes.update(on);
    return changes;
  };
  EXPECT_EQ(windows_of(qwen2, on), Windows{});  // transformers: from layer 28 on
  EXPECT_EQ(windows_of(qwen2, on_with({{"max_window_layers", 4}})), (Windows{0, 0, 0, 0, 7, 7}));
  EXPECT_EQ(windows_of(qwen2, {{"use_sliding_window", true}, {"max_window_layers", 5}}),
            (Windows{0, 0, 0, 0, 0, 4096}));
  EXPECT_EQ(windows_of(qwen2, {{"use_sliding_window", true},
                               {"max_window_layers", 0},
                               {"sliding_window", nullptr}}),
            Windows{});
  const char* full = "full_attention";
  const char* sliding = "sliding_attention";
  const json types = {full, sliding, full, full, full, sliding};
  EXPECT_EQ(windows_of("Qwen3ForCausalLM", on_with({{"layer_types", types}})),
            (Windows{0, 7, 0, 0, 0, 7}));
  EXPECT_EQ(windows_of(qwen2, {{"layer_types", {full, full, full, full, full, full}}}), Windows{});
  EXPECT_EQ(windows_of("Qwen2MoeForCausalLM", on_with({{"max_window_layers", 3}})),
            (Windows{7, 0, 7, 0, 0, 0}));
  EXPECT_EQ(windows_of("Qwen3MoeForCausalLM", on), (Windows{7, 7, 7, 7, 7, 7}));
  EXPECT_EQ(windows_of("Qwen3MoeForCausalLM", {{"sliding_window", 7}}), Windows{});
  EXPECT_EQ(windows_of("MistralForCausalLM", {{"sliding_window", 7}}), (Windows{7, 7, 7, 7, 7, 7}));
  EXPECT_EQ(windows_of("MistralForCausalLM", {{"sliding_window", nullptr}}), Windows{});
  EXPECT_EQ(windows_of("LlamaForCausalLM", on), Windows{});
}

TEST(ConfigFromHf, RefusesWindowsThatAreNone) {
  const auto qwen2 = [](const json& changes) { return with("Qwen2ForCausalLM", changes); };
  const json on = {{"use_sliding_window", true}, {"max_window_layers", 0}};
  const auto on_with = [&](json changes) {
    changes.update(on);
    return qwen2(changes);
  };
  EXPECT_EQ(config_error(qwen2({{"layer_types", {"sliding_attention"}}})),
            "config.json: layer_types asks for sliding_attention, but use_sliding_window is not "
            "true or sliding_window is null: the size of the window is not said");
  EXPECT_EQ(config_error(on_with({{"layer_types", {"sliding_attention", "full_attention"}}})),
            "config.json: layer_types has 2 entries, must have one for each of 1 layers");
  EXPECT_EQ(config_error(qwen2({{"layer_types", {"chunked_attention"}}}), ErrorCode::unsupported),
            "config.json: layer_types[0] is 'chunked_attention', must be 'full_attention' or "
            "'sliding_attention'");
  EXPECT_EQ(config_error(on_with({{"sliding_window", 0}})),
            "config.json: sliding_window is 0, must be at least 1, or null for no window");
  EXPECT_EQ(config_error(on_with({{"sliding_window", std::int64_t{1} << 40}})),
            "config.json: the attention window is 1099511627776, must be in [1, 1073741824]");
  EXPECT_EQ(config_error(on_with({{"num_hidden_layers", std::int64_t{1} << 60}})),
            "config.json: the number of layers is 1152921504606846976, must be in [1, 8192]");
}

TEST(ConfigFromHf, Experts) {
  const auto layers_without = [](const json& changes) {
    json config = with("Qwen3MoeForCausalLM", changes);
    config["num_hidden_layers"] = 6;
    return config_from_hf(config, "config.json").moe.dense_layers;
  };
  using Layers = std::vector<std::int64_t>;
  EXPECT_EQ(layers_without(json::object()), Layers{});
  EXPECT_EQ(layers_without({{"mlp_only_layers", {0, 5}}}), (Layers{0, 5}));
  EXPECT_EQ(layers_without({{"decoder_sparse_step", 2}}), (Layers{0, 2, 4}));
  EXPECT_EQ(layers_without({{"decoder_sparse_step", 3}, {"mlp_only_layers", {2}}}),
            (Layers{0, 1, 2, 3, 4}));
  const ModelConfig absent = config_from_hf({{"model_type", "qwen2_moe"}}, "config.json");
  EXPECT_EQ(absent.architecture, "qwen2moe");
  EXPECT_EQ(absent.moe.n_experts, 60);
  EXPECT_EQ(absent.moe.n_experts_per_token, 4);
  EXPECT_EQ(absent.moe.shared_intermediate_size, 5632);
  EXPECT_FALSE(absent.moe.norm_weights);
  const json renamed = {{"model_type", "qwen3_moe"}, {"num_local_experts", 9}};
  EXPECT_EQ(config_of(renamed).moe.n_experts, 9);
  EXPECT_TRUE(absent.qkv_bias);
  EXPECT_FALSE(config_of({{"model_type", "qwen2_moe"}, {"qkv_bias", false}}).qkv_bias);
  EXPECT_EQ(config_error(with("Qwen3MoeForCausalLM", {{"num_experts_per_tok", 129}})),
            "config.json: the number of experts of a token is 129, must be in [1, 128]");
  EXPECT_EQ(config_error(with("Qwen3MoeForCausalLM", {{"decoder_sparse_step", 0}})),
            "config.json: decoder_sparse_step is 0, must be at least 1");
}

TEST(ConfigFromHf, RefusesByName) {
  const auto unsupported = [](const json& config) {
    return config_error(config, ErrorCode::unsupported);
  };
  const auto llama = [](const json& changes) { return with("LlamaForCausalLM", changes); };
  EXPECT_EQ(unsupported({{"architectures", {"MixtralForCausalLM"}}}),
            "config.json: architecture is 'MixtralForCausalLM', which is not supported; supported "
            "are LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, Qwen2MoeForCausalLM, "
            "Qwen3MoeForCausalLM, MistralForCausalLM");
  EXPECT_EQ(unsupported({{"model_type", "gemma3"}}),
            "config.json: architecture is 'gemma3', which is not supported; supported are llama, "
            "qwen2, qwen3, qwen2_moe, qwen3_moe, mistral");
  EXPECT_EQ(unsupported(llama({{"quantization_config", {{"quant_method", "gptq"}, {"bits", 4}}}})),
            "config.json: quantization_config says that the weights are quantised ('gptq'), which "
            "is not supported; use the model in F32, F16 or BF16, or a GGUF file");
  EXPECT_EQ(unsupported(llama({{"hidden_act", "gelu"}})),
            "config.json: hidden_act is 'gelu', must be 'silu'");
  EXPECT_EQ(unsupported(llama({{"num_local_experts", 8}})),
            "config.json: num_local_experts asks for a mixture of experts, which is not supported "
            "in a llama model");
  EXPECT_EQ(unsupported(llama({{"partial_rotary_factor", 0.5}})),
            "config.json: partial_rotary_factor is 0.5, must be 1 (RoPE on a part of a head is not "
            "supported)");
  EXPECT_EQ(unsupported(llama({{"rope_parameters", {{"partial_rotary_factor", 0.25}}}})),
            "config.json: rope_parameters.partial_rotary_factor is 0.25, must be 1 (RoPE on a part "
            "of a head is not supported)");
  EXPECT_EQ(unsupported(llama({{"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}})),
            "config.json: rope_scaling.type is 'dynamic', must be 'default', 'linear', 'llama3' or "
            "'yarn' (others are not supported)");
}

TEST(ConfigFromHf, RefusesWrongFields) {
  const auto llama = [](const json& changes) { return with("LlamaForCausalLM", changes); };
  EXPECT_EQ(config_error(json::array()),
            "config.json: the document is an array, must be an object");
  EXPECT_EQ(config_error(json::object()),
            "config.json: names no architecture: \"architectures\" and \"model_type\" are missing");
  EXPECT_EQ(config_error(llama({{"hidden_size", "big"}})),
            "config.json: hidden_size is 'big', must be a whole number from 0 up");
  EXPECT_EQ(config_error(llama({{"hidden_size", -8}})),
            "config.json: hidden_size is -8, must be a whole number from 0 up");
  EXPECT_EQ(config_error(llama({{"hidden_size", ~std::uint64_t{0}}})),
            "config.json: hidden_size is 18446744073709551615, must be a whole number from 0 up");
  EXPECT_EQ(config_error(llama({{"hidden_size", 8.5}})),
            "config.json: hidden_size is 8.5, must be a whole number from 0 up");
  EXPECT_EQ(config_error(llama({{"tie_word_embeddings", 1}})),
            "config.json: tie_word_embeddings is 1, must be true or false");
  EXPECT_EQ(config_error(llama({{"num_attention_heads", 0}, {"head_dim", nullptr}})),
            "config.json: hidden_size is 8, must be a multiple of num_attention_heads (0)");
  EXPECT_EQ(config_error(llama({{"rope_scaling", "linear"}})),
            "config.json: rope_scaling is 'linear', must be an object");
  EXPECT_EQ(config_error(llama({{"rope_scaling", {{"rope_type", "linear"}}}})),
            "config.json: rope_scaling.factor is missing, must be a number");
  EXPECT_EQ(config_error(llama({{"rope_scaling", {{"rope_type", "linear"}, {"factor", 0}}}})),
            "config.json: rope scaling factor is 0, must be in [0.001, 1000000]");
  EXPECT_EQ(config_error(llama({{"rope_theta", "big"}})),
            "config.json: rope_theta is 'big', must be a number");
}

}  // namespace
}  // namespace tinyllm
