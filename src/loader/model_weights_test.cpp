#include "loader/model_weights.h"

#include <gtest/gtest.h>

#include "base/temp_folder_test.h"
#include "loader/config_from_gguf.h"
#include "loader/gguf.h"
#include "loader/gguf_builder_test.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

using testing::as_bytes;
using testing::error_of;
using testing::GgufBuilder;
using testing::tiny_gguf_model;

// A parsed model and the bytes that it looks into.
struct Model {
  explicit Model(const GgufBuilder& builder)
      : file(builder.build()),
        contents(parse_gguf(as_bytes(file), "m.gguf")),
        config(config_from_gguf(contents.metadata, contents.tensors)) {}
  ModelWeights bind() const {
    return bind_weights(config, contents.tensors, WeightNaming::gguf, "m.gguf");
  }

  std::string file;
  GgufContents contents;
  ModelConfig config;
};

TEST(BindWeights, FindsEveryRole) {
  const Model model(tiny_gguf_model("qwen2"));
  const ModelWeights weights = model.bind();
  ASSERT_EQ(weights.layers.size(), 2u);
  EXPECT_EQ(weights.embed_tokens.shape, (Shape{10, 8}));
  EXPECT_EQ(weights.lm_head.data, model.contents.tensors.at("output.weight").data);
  const LayerWeights& layer = weights.layers[1];
  EXPECT_EQ(layer.k_proj.data, model.contents.tensors.at("blk.1.attn_k.weight").data);
  EXPECT_EQ(layer.mlp.down_proj.data, model.contents.tensors.at("blk.1.ffn_down.weight").data);
  EXPECT_EQ(layer.q_bias.f32()[7], 0.5f);
  EXPECT_FALSE(layer.o_bias || layer.q_norm || layer.mlp.gate_bias);
  EXPECT_TRUE(weights.widened.empty());

  const ModelWeights qwen3 = Model(tiny_gguf_model("qwen3")).bind();
  EXPECT_EQ(qwen3.layers[0].q_norm.shape, Shape{4});
  EXPECT_FALSE(qwen3.layers[0].q_bias);
}

TEST(BindWeights, AnExpertIsASliceOfItsLayersTensor) {
  const Model model(tiny_gguf_model("qwen2moe"));
  const ModelWeights weights = model.bind();
  const MoeWeights& moe = weights.layers[1].moe;
  EXPECT_FALSE(weights.layers[1].mlp.gate_proj);
  EXPECT_EQ(moe.router.shape, (Shape{5, 8}));
  ASSERT_EQ(moe.experts.size(), 5u);
  EXPECT_EQ(moe.experts[3].down_proj.shape, (Shape{8, 6}));
  EXPECT_EQ(moe.experts[3].down_proj.data,
            model.contents.tensors.at("blk.1.ffn_down_exps.weight").data + 3 * 8 * 6 * 4);
  EXPECT_EQ(moe.shared.up_proj.shape, (Shape{12, 8}));
  EXPECT_EQ(moe.shared_scale.f32()[7], 0.25f);

  Model other(tiny_gguf_model("qwen3moe"));
  TensorMap& tensors = other.contents.tensors;
  tensors.at("blk.0.ffn_gate_inp.weight").shape = {6, 8};
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { other.bind(); }),
            "m.gguf: tensor 'blk.0.ffn_gate_inp.weight' is 6 x 8, must be 5 x 8");
  tensors.at("blk.0.ffn_gate_inp.weight").shape = {5, 8};
  tensors.erase("blk.1.ffn_up_exps.weight");
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { other.bind(); }),
            "m.gguf: tensor 'blk.1.ffn_up_exps.weight' is missing; the model is not complete");
}

TEST(BindWeights, TiedHeadIsTheEmbedding) {
  const Model model(tiny_gguf_model("llama", true));
  const ModelWeights weights = model.bind();
  EXPECT_EQ(weights.lm_head.data, weights.embed_tokens.data);
}

TEST(BindWeights, WidensNorms) {
  Model model(tiny_gguf_model("llama"));
  std::vector<std::uint16_t> half(8), brain(8);
  for (int i = 0; i < 8; ++i) {
    half[i] = f32_to_f16(0.5f * static_cast<float>(i));
    brain[i] = f32_to_bf16(0.25f * static_cast<float>(i));
  }
  std::string odd(33, '\0');  // f32 values at an odd address
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto shift = reinterpret_cast<std::uintptr_t>(odd.data()) % 2 == 0 ? 1 : 0;
  std::memcpy(odd.data() + shift, values.data(), 32);
  TensorMap& tensors = model.contents.tensors;
  tensors["output_norm.weight"] = {reinterpret_cast<std::byte*>(half.data()), DType::f16, {8}};
  tensors["blk.0.attn_norm.weight"] = {
      reinterpret_cast<std::byte*>(brain.data()), DType::bf16, {8}};
  tensors["blk.1.attn_norm.weight"] = {
      reinterpret_cast<std::byte*>(odd.data()) + shift, DType::f32, {8}};
  const ModelWeights weights = model.bind();
  EXPECT_EQ(weights.widened.size(), 3u);
  EXPECT_EQ(weights.final_norm.f32()[5], 2.5f);
  EXPECT_EQ(weights.layers[0].input_norm.f32()[5], 1.25f);
  EXPECT_EQ(weights.layers[1].input_norm.f32()[7], 8.0f);
}

TEST(BindWeights, RefusesMissingMisshapenAndUnknownTensors) {
  Model model(tiny_gguf_model("llama"));
  TensorMap& tensors = model.contents.tensors;
  const Tensor v_proj = tensors.at("blk.1.attn_v.weight");
  tensors.erase("blk.1.attn_v.weight");
  const auto bind = [&] { model.bind(); };
  EXPECT_EQ(error_of(ErrorCode::invalid_input, bind),
            "m.gguf: tensor 'blk.1.attn_v.weight' is missing; the model is not complete");
  tensors["blk.1.attn_v.weight"] = {v_proj.data, v_proj.dtype, {8, 4}};
  EXPECT_EQ(error_of(ErrorCode::invalid_input, bind),
            "m.gguf: tensor 'blk.1.attn_v.weight' is 8 x 4, must be 4 x 8");
  tensors["blk.1.attn_v.weight"] = v_proj;
  tensors["blk.1.attn_sinks.weight"] = v_proj;
  EXPECT_EQ(error_of(ErrorCode::unsupported, bind),
            "m.gguf: tensor 'blk.1.attn_sinks.weight' (4 x 8) has no place in a llama model of 2 "
            "layers; a variant that is not supported");
  tensors.erase("blk.1.attn_sinks.weight");
  EXPECT_NO_THROW(bind());
}

}  // namespace
}  // namespace tinyllm
