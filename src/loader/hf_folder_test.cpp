#include "loader/hf_folder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/temp_folder_test.h"
#include "loader/checkpoint.h"
#include "loader/model_weights.h"
#include "loader/safetensors_builder_test.h"

namespace tinyllm {
namespace {

using testing::error_of;
using testing::SafetensorsBuilder;
using testing::TempFolder;

std::string open_error(const TempFolder& folder, ErrorCode code) {
  return error_of(code, [&] { HuggingFaceFolder unused(folder.path()); });
}

TEST(HuggingFaceFolder, OpensAsACheckpoint) {
  const TempFolder folder;
  testing::write_tiny_hf_model(folder);
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.format(), CheckpointFormat::hugging_face);
  EXPECT_EQ(checkpoint.gguf(), nullptr);
  ASSERT_NE(checkpoint.hugging_face(), nullptr);
  EXPECT_EQ(checkpoint.config().rope_pairing, RopePairing::split_halves);
  EXPECT_EQ(
      checkpoint.file_bytes(),
      static_cast<std::int64_t>(std::filesystem::file_size(folder.path() / "model.safetensors")));
  const ModelWeights weights = bind_weights(checkpoint);
  EXPECT_EQ(weights.layers[0].q_proj.dtype, DType::bf16);
  EXPECT_EQ(weights.widened.size(), 3u);  // the norms
  EXPECT_EQ(weights.final_norm.dtype, DType::f32);
}

TEST(HuggingFaceFolder, TiedHeadMayBeStoredAndIsLeft) {
  const TempFolder folder;
  testing::write_tiny_hf_model(folder);
  auto config = testing::tiny_hf_config("LlamaForCausalLM");
  config["tie_word_embeddings"] = true;
  folder.write("config.json", config.dump());
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  const ModelWeights weights = bind_weights(checkpoint);
  EXPECT_EQ(weights.lm_head.data, weights.embed_tokens.data);
}

// Two matrices in the file that differ: the head is its own, whatever the config says.
TEST(HuggingFaceFolder, AHeadThatDiffersFromTheEmbeddingCounts) {
  const TempFolder folder;
  testing::write_tiny_hf_model(folder);
  auto config = testing::tiny_hf_config("LlamaForCausalLM");
  config["tie_word_embeddings"] = true;
  folder.write("config.json", config.dump());
  std::string file = *HuggingFaceFolder(folder.path()).find_text("model.safetensors");
  const std::size_t data =
      file.size() - 2 * (10 * 8 * 2 + 3 * 8 + 2 * 8 * 8 + 2 * 4 * 8 + 3 * 8 * 16);
  file[data + 2 * (10 * 8 + 8) + 3] = 1;  // in lm_head.weight, which is all 0
  folder.write("model.safetensors", file);
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  const ModelWeights weights = bind_weights(checkpoint);
  EXPECT_EQ(weights.lm_head.data, checkpoint.find("lm_head.weight")->data);
}

TEST(HuggingFaceFolder, WhatAModelDoesNotNeedIsLeftOut) {
  const TempFolder folder;
  testing::write_tiny_hf_model(folder, {{"model.layers.0.self_attn.k_scale", "F32", {}},
                                        {"model.layers.0.self_attn.v_scale", "F32", {1}},
                                        {"model.rotary_emb.inv_freq", "F64", {2}}});
  EXPECT_EQ(bind_weights(Checkpoint::open(folder.path())).layers.size(), 1u);
  testing::write_tiny_hf_model(folder,
                               {{"model.layers.0.self_attn.q_proj.weight_scale", "F64", {1}}});
  EXPECT_EQ(
      error_of(ErrorCode::unsupported, [&] { bind_weights(Checkpoint::open(folder.path())); }),
      folder.path().string() +
          ": tensor 'model.layers.0.self_attn.q_proj.weight_scale' is 'F64', which is not "
          "supported; supported are F32, F16, BF16");
}

TEST(HuggingFaceFolder, JoinsShards) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("a.safetensors", SafetensorsBuilder().add("x", "F32", {2}).build());
  folder.write("b.safetensors", SafetensorsBuilder().add("y", "F32", {3}).build());
  folder.write(
      "model.safetensors.index.json",
      R"({"metadata":{"total_size":20},"weight_map":{"x":"a.safetensors","y":"b.safetensors"}})");
  const HuggingFaceFolder opened(folder.path());
  EXPECT_EQ(opened.tensors().size(), 2u);
  EXPECT_EQ(opened.tensors().at("y").shape, Shape{3});
}

TEST(HuggingFaceFolder, RefusesBadIndexes) {
  const TempFolder folder;
  const std::string index = (folder.path() / "model.safetensors.index.json").string();
  folder.write("config.json", "{}");
  folder.write("a.safetensors", SafetensorsBuilder().add("x", "F32", {2}).build());
  folder.write("b.safetensors", SafetensorsBuilder().add("x", "F32", {2}).build());
  const auto error = [&](const std::string& json, ErrorCode code = ErrorCode::invalid_input) {
    folder.write("model.safetensors.index.json", json);
    return open_error(folder, code);
  };
  EXPECT_EQ(error("[]"), index + ": the document is an array, must be an object");
  EXPECT_EQ(error("{}"), index + ": weight_map is missing, must be an object");
  for (const char* name : {"\"../a.safetensors\"", "\"/etc/passwd\"", "\"\"", "7", "\"..\""}) {
    EXPECT_EQ(error(std::string(R"({"weight_map":{"x":)") + name + "}}"),
              index + ": weight_map of 'x' must be the name of a file in the same folder");
  }
  EXPECT_EQ(
      error(R"({"weight_map":{"x":"c.safetensors"}})", ErrorCode::not_found),
      (folder.path() / "c.safetensors").string() + ": cannot be opened: No such file or directory");
  EXPECT_EQ(error(R"({"weight_map":{"z":"a.safetensors"}})"),
            index + ": tensor 'z' is not in 'a.safetensors'");
  EXPECT_EQ(error(R"({"weight_map":{"x":"a.safetensors","y":"b.safetensors"}})"),
            (folder.path() / "b.safetensors").string() +
                ": tensor 'x' is in another file of the model too");
}

TEST(HuggingFaceFolder, SaysWhatIsMissing) {
  const TempFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(open_error(folder, ErrorCode::not_found),
            path +
                ": has no config.json; a model is a .gguf file or a folder with config.json and "
                "safetensors");
  folder.write("config.json", "{}");
  EXPECT_EQ(open_error(folder, ErrorCode::not_found),
            path + ": has neither model.safetensors nor model.safetensors.index.json");
  folder.write("pytorch_model.bin", "PK");
  EXPECT_EQ(open_error(folder, ErrorCode::unsupported),
            path +
                "/pytorch_model.bin: pickled weights are not supported (they can run code); save "
                "the model as safetensors");
  const auto lone = folder.write("model.safetensors", "");
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { Checkpoint::open(lone); }),
            lone.string() +
                ": is one file of a model; name the folder that holds it and its config.json");
}

}  // namespace
}  // namespace tinyllm
