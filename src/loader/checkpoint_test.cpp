#include "loader/checkpoint.h"

#include <gtest/gtest.h>

#include "base/temp_folder_test.h"
#include "loader/gguf_builder_test.h"
#include "loader/model_weights.h"

namespace tinyllm {
namespace {

using testing::error_of;
using testing::TempFolder;
using testing::tiny_gguf_model;

TEST(Checkpoint, OpensAGgufFile) {
  const TempFolder folder;
  const auto path = folder.write("tiny.gguf", tiny_gguf_model("qwen2").build());
  Checkpoint opened = Checkpoint::open(path);
  const Checkpoint checkpoint = std::move(opened);
  EXPECT_EQ(checkpoint.format(), CheckpointFormat::gguf);
  EXPECT_EQ(checkpoint.path(), path);
  EXPECT_EQ(checkpoint.config().architecture, "qwen2");
  EXPECT_EQ(checkpoint.naming(), WeightNaming::gguf);
  EXPECT_NE(checkpoint.gguf(), nullptr);
  EXPECT_EQ(checkpoint.hugging_face(), nullptr);
  EXPECT_EQ(checkpoint.find("no.such.weight"), nullptr);
  EXPECT_EQ(checkpoint.find("token_embd.weight")->shape, (Shape{10, 8}));
  EXPECT_EQ(checkpoint.file_bytes(), static_cast<std::int64_t>(std::filesystem::file_size(path)));
  EXPECT_EQ(bind_weights(checkpoint).layers.size(), 2u);
}

TEST(Checkpoint, SaysWhatIsNotThere) {
  EXPECT_EQ(error_of(ErrorCode::not_found, [] { Checkpoint::open("/no/such/model.gguf"); }),
            "/no/such/model.gguf: cannot be opened: No such file or directory");
}

TEST(Checkpoint, FromMemory) {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab_size = 2;
  config.hidden_size = config.intermediate_size = 4;
  config.n_layers = config.n_heads = config.n_kv_heads = 1;
  config.head_dim = 4;
  config.max_seq_len = 16;
  config.tie_word_embeddings = true;
  std::vector<Buffer> buffers;
  TensorMap tensors;
  const auto add = [&](const std::string& name, const Shape& shape) {
    buffers.emplace_back(shape.n_elems() * 4);
    std::fill_n(buffers.back().as<float>().data(), shape.n_elems(), 1.0f);
    tensors[name] = {buffers.back().data(), DType::f32, shape};
  };
  add("model.embed_tokens.weight", {2, 4});
  add("model.norm.weight", {4});
  for (const char* name : {"input_layernorm", "post_attention_layernorm"}) {
    add(std::string("model.layers.0.") + name + ".weight", {4});
  }
  for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                           "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
    add(std::string("model.layers.0.") + name + ".weight", {4, 4});
  }
  const Checkpoint checkpoint =
      Checkpoint::from_memory("random:tiny", config, std::move(tensors), std::move(buffers));
  EXPECT_EQ(checkpoint.format(), CheckpointFormat::random);
  EXPECT_EQ(checkpoint.path(), "random:tiny");
  EXPECT_EQ(checkpoint.naming(), WeightNaming::hugging_face);
  EXPECT_EQ(checkpoint.file_bytes(), 4 * (2 * 4 + 3 * 4 + 7 * 16));
  EXPECT_EQ(bind_weights(checkpoint).layers[0].mlp.down_proj.f32()[15], 1.0f);

  config.head_dim = 3;
  EXPECT_EQ(error_of(ErrorCode::invalid_input,
                     [&] { Checkpoint::from_memory("random:tiny", config, {}, {}); }),
            "random:tiny: head_dim is 3, must be even");
}

}  // namespace
}  // namespace tinyllm
