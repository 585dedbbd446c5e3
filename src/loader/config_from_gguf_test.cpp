#include "loader/config_from_gguf.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/temp_folder_test.h"
#include "loader/gguf.h"
#include "loader/gguf_builder_test.h"

namespace tinyllm {
namespace {

using testing::as_bytes;
using testing::error_of;
using testing::GgufBuilder;
using testing::tiny_gguf_model;

ModelConfig config_of(const GgufBuilder& builder) {
  const std::string file = builder.build();
  const GgufContents contents = parse_gguf(as_bytes(file), "m.gguf");
  return config_from_gguf(contents.metadata, contents.tensors);
}
std::string config_error(const GgufBuilder& builder, ErrorCode code = ErrorCode::invalid_input) {
  return error_of(code, [&] { config_of(builder); });
}

TEST(ConfigFromGguf, Llama) {
  const ModelConfig config = config_of(tiny_gguf_model("llama"));
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.vocab_size, 10);
  EXPECT_EQ(config.hidden_size, 8);
  EXPECT_EQ(config.intermediate_size, 16);
  EXPECT_EQ(config.n_layers, 2);
  EXPECT_EQ(config.n_heads, 2);
  EXPECT_EQ(config.n_kv_heads, 1);
  EXPECT_EQ(config.head_dim, 4);
  EXPECT_EQ(config.max_seq_len, 64);
  EXPECT_EQ(config.norm_eps, 1e-5f);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.rope_pairing, RopePairing::interleaved);
  EXPECT_EQ(config.rope_scaling.type, RopeScaling::Type::none);
  EXPECT_FALSE(config.qkv_bias || config.o_bias || config.mlp_bias || config.qk_norm);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_TRUE(config_of(tiny_gguf_model("llama", true)).tie_word_embeddings);
}

TEST(ConfigFromGguf, QwensDiffer) {
  const ModelConfig qwen2 = config_of(tiny_gguf_model("qwen2"));
  EXPECT_EQ(qwen2.rope_pairing, RopePairing::split_halves);
  EXPECT_TRUE(qwen2.qkv_bias);
  EXPECT_FALSE(qwen2.o_bias || qwen2.qk_norm);
  const ModelConfig qwen3 = config_of(tiny_gguf_model("qwen3")
                                          .key_u32("qwen3.attention.key_length", 6)
                                          .key_u32("qwen3.attention.value_length", 6));
  EXPECT_EQ(qwen3.rope_pairing, RopePairing::split_halves);
  EXPECT_EQ(qwen3.head_dim, 6);
  EXPECT_TRUE(qwen3.qk_norm);
  EXPECT_FALSE(qwen3.qkv_bias);
}

TEST(ConfigFromGguf, Experts) {
  const ModelConfig qwen3 = config_of(tiny_gguf_model("qwen3moe"));
  EXPECT_EQ(qwen3.moe.n_experts, 5);
  EXPECT_EQ(qwen3.moe.n_experts_per_token, 2);
  EXPECT_EQ(qwen3.moe.intermediate_size, 6);  // its weights say so, no key does
  EXPECT_EQ(qwen3.moe.shared_intermediate_size, 0);
  EXPECT_TRUE(qwen3.moe.norm_weights);
  EXPECT_TRUE(qwen3.has_experts(0) && qwen3.has_experts(1));
  const ModelConfig qwen2 = config_of(tiny_gguf_model("qwen2moe"));
  EXPECT_EQ(qwen2.moe.shared_intermediate_size, 12);
  EXPECT_FALSE(qwen2.moe.norm_weights);
  EXPECT_TRUE(config_of(tiny_gguf_model("qwen2moe").key_bool("qwen2moe.expert_weights_norm", true))
                  .moe.norm_weights);
  EXPECT_EQ(config_error(tiny_gguf_model("qwen3moe", false, 6)),
            "m.gguf: the number of experts of a token is 6, must be in [1, 5]");
}

TEST(ConfigFromGguf, RopeScaling) {
  const ModelConfig linear = config_of(tiny_gguf_model("llama")
                                           .key_string("llama.rope.scaling.type", "linear")
                                           .key_f32("llama.rope.scaling.factor", 4));
  EXPECT_EQ(linear.rope_scaling.type, RopeScaling::Type::linear);
  EXPECT_EQ(linear.rope_scaling.factor, 4.0);
  EXPECT_EQ(linear.max_seq_len, 64);

  const ModelConfig old = config_of(tiny_gguf_model("llama").key_f32("llama.rope.scale_linear", 2));
  EXPECT_EQ(old.rope_scaling.type, RopeScaling::Type::linear);
  EXPECT_EQ(old.rope_scaling.factor, 2.0);

  GgufBuilder builder = tiny_gguf_model("qwen2");
  builder.key_string("qwen2.rope.scaling.type", "yarn")
      .key_f32("qwen2.rope.scaling.factor", 4)
      .key_u32("qwen2.rope.scaling.original_context_length", 32);
  const ModelConfig yarn = config_of(builder);
  EXPECT_EQ(yarn.rope_scaling.type, RopeScaling::Type::yarn);
  EXPECT_EQ(yarn.rope_scaling.original_max_seq_len, 32.0);
  EXPECT_EQ(yarn.rope_scaling.beta_fast, 32.0);
  EXPECT_EQ(yarn.rope_scaling.beta_slow, 1.0);
  EXPECT_DOUBLE_EQ(yarn.rope_scaling.attention_factor, 0.1 * std::log(4.0) + 1.0);
  EXPECT_EQ(yarn.max_seq_len, 128);
  builder.key_f32("qwen2.rope.scaling.attn_factor", 0.5f)
      .key_f32("qwen2.rope.scaling.yarn_beta_fast", 16);
  const ModelConfig tuned = config_of(builder);
  EXPECT_DOUBLE_EQ(tuned.rope_scaling.attention_factor, 0.5 * (0.1 * std::log(4.0) + 1.0));
  EXPECT_EQ(tuned.rope_scaling.beta_fast, 16.0);
}

TEST(ConfigFromGguf, Llama3FrequencyFactors) {
  const ModelConfig config =
      config_of(tiny_gguf_model("llama").tensor_f32("rope_freqs.weight", {2}, {1, 8}));
  EXPECT_EQ(config.rope_scaling.freq_factors, (std::vector<float>{1, 8}));
  EXPECT_EQ(config_error(tiny_gguf_model("llama").tensor_f32("rope_freqs.weight", {3}, {1, 8, 8})),
            "m.gguf: tensor 'rope_freqs.weight' is f32 3, must be f32 2");
  EXPECT_EQ(config_error(tiny_gguf_model("llama").tensor_f32("rope_freqs.weight", {2}, {1, NAN})),
            "m.gguf: rope frequency factor is nan, must be in [1e-06, 1000000]");
}

TEST(ConfigFromGguf, RefusesByName) {
  const auto unsupported = [](const GgufBuilder& builder) {
    return config_error(builder, ErrorCode::unsupported);
  };
  EXPECT_EQ(unsupported(GgufBuilder().key_string("general.architecture", "gemma3")),
            "m.gguf: architecture is 'gemma3', which is not supported; supported are llama, qwen2, "
            "qwen3, qwen2moe, qwen3moe");
  EXPECT_EQ(unsupported(tiny_gguf_model("llama").key_u32("llama.expert_count", 8)),
            "m.gguf: llama.expert_count asks for a mixture of experts, which is not supported in a "
            "llama model");
  EXPECT_EQ(unsupported(tiny_gguf_model("qwen3moe").key_u32("qwen3moe.expert_gating_func", 2)),
            "m.gguf: qwen3moe.expert_gating_func is 2, which is not supported; supported is 1, "
            "softmax");
  EXPECT_EQ(unsupported(tiny_gguf_model("qwen3moe").key_u32("qwen3moe.expert_group_count", 4)),
            "m.gguf: qwen3moe.expert_group_count: experts in groups are not supported");
  EXPECT_EQ(unsupported(tiny_gguf_model("qwen3moe").key_f32("qwen3moe.expert_weights_scale", 2.5f)),
            "m.gguf: qwen3moe.expert_weights_scale is 2.5, must be 1");
  EXPECT_EQ(unsupported(tiny_gguf_model("qwen2").key_bool("qwen2.attention.causal", false)),
            "m.gguf: qwen2.attention.causal is false; only causal decoders are supported");
  EXPECT_EQ(unsupported(tiny_gguf_model("llama").key_u32("llama.rope.dimension_count", 2)),
            "m.gguf: llama.rope.dimension_count is 2, must equal the head size 4");
  EXPECT_EQ(unsupported(tiny_gguf_model("llama").key_u32("llama.attention.value_length", 8)),
            "m.gguf: llama.attention.value_length is 8, must equal the head size 4");
  EXPECT_EQ(unsupported(tiny_gguf_model("llama").key_string("llama.rope.scaling.type", "longrope")),
            "m.gguf: llama.rope.scaling.type is 'longrope', which is not supported; supported are "
            "none, linear, yarn");
  EXPECT_EQ(unsupported(tiny_gguf_model("llama")
                            .key_string("llama.rope.scaling.type", "yarn")
                            .key_f32("llama.rope.scaling.yarn_ext_factor", 0)),
            "m.gguf: llama.rope.scaling.yarn_ext_factor is 0, must be 1");
}

// A file of the sizes given, for what goes wrong before the tensors are looked at.
GgufBuilder sizes(std::uint32_t n_layers, std::uint32_t hidden_size, std::uint32_t n_heads,
                  std::uint32_t n_kv_heads, float eps = 1e-5f) {
  GgufBuilder builder;
  builder.key_string("general.architecture", "llama")
      .key_u32("llama.block_count", n_layers)
      .key_u32("llama.context_length", 64)
      .key_u32("llama.embedding_length", hidden_size)
      .key_u32("llama.feed_forward_length", 16)
      .key_u32("llama.attention.head_count", n_heads)
      .key_u32("llama.attention.head_count_kv", n_kv_heads)
      .key_f32("llama.attention.layer_norm_rms_epsilon", eps)
      .tensor("token_embd.weight", {8, 10}, 0, 320);
  return builder;
}

TEST(ConfigFromGguf, SlidingWindows) {
  using Windows = std::vector<AttentionWindow>;
  EXPECT_EQ(
      config_of(tiny_gguf_model("llama").key_u32("llama.attention.sliding_window", 0)).windows,
      Windows{});
  const auto windowed = [] {
    return tiny_gguf_model("qwen2").key_u32("qwen2.attention.sliding_window", 4096);
  };
  EXPECT_EQ(config_of(windowed()).windows, (Windows{{4096, 0}, {4096, 0}}));
  const char* pattern = "qwen2.attention.sliding_window_pattern";
  EXPECT_EQ(config_of(windowed().key_i32s(pattern, {0, 1})).windows, (Windows{{0, 0}, {4096, 0}}));
  EXPECT_EQ(
      config_error(windowed().key_i32s(pattern, {0, 1, 1})),
      "m.gguf: qwen2.attention.sliding_window_pattern has 3 entries, must have one for each of "
      "2 layers");
}

TEST(ConfigFromGguf, RefusesBadSizes) {
  EXPECT_EQ(config_error(GgufBuilder()),
            "m.gguf: metadata key 'general.architecture' is missing; the file is not a complete "
            "language model");
  EXPECT_EQ(config_error(GgufBuilder().key_string("general.architecture", "llama")),
            "m.gguf: metadata key 'llama.embedding_length' is missing; the file is not a complete "
            "language model");
  EXPECT_EQ(
      config_error(sizes(2, 8, 0, 1)),
      "m.gguf: llama.embedding_length is 8, must be a multiple of llama.attention.head_count (0)");
  EXPECT_EQ(
      config_error(sizes(2, 8, 3, 1)),
      "m.gguf: llama.embedding_length is 8, must be a multiple of llama.attention.head_count (3)");
  EXPECT_EQ(config_error(sizes(2, 8, 2, 0)),
            "m.gguf: the number of k/v heads is 0, must be in [1, 8192]");
  EXPECT_EQ(config_error(sizes(0, 8, 2, 1)),
            "m.gguf: the number of layers is 0, must be in [1, 8192]");
  EXPECT_EQ(config_error(sizes(4000000000, 8, 2, 1)),
            "m.gguf: the number of layers is 4000000000, must be in [1, 8192]");
  EXPECT_EQ(config_error(sizes(2, 8, 4, 3)),
            "m.gguf: the number of heads is 4, must be a multiple of 3 k/v heads");
  EXPECT_EQ(config_error(sizes(2, 6, 2, 2)), "m.gguf: head_dim is 3, must be even");
  EXPECT_EQ(config_error(sizes(2, 8, 2, 1, NAN)),
            "m.gguf: the norm's epsilon is nan, must be in [0, 1]");
  GgufBuilder no_embedding;
  no_embedding.key_string("general.architecture", "llama")
      .key_u32("llama.block_count", 2)
      .key_u32("llama.context_length", 64)
      .key_u32("llama.embedding_length", 8)
      .key_u32("llama.feed_forward_length", 16)
      .key_u32("llama.attention.head_count", 2)
      .key_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  EXPECT_EQ(config_error(no_embedding),
            "m.gguf: tensor 'token_embd.weight' is missing or is not a matrix; the file is not a "
            "complete "
            "language model");
}

}  // namespace
}  // namespace tinyllm
