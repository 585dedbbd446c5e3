#include "loader/random_checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "loader/model_weights.h"
#include "quant/decode.h"

namespace tinyllm {
namespace {

ModelConfig tiny_config() {
  ModelConfig config = small_config("qwen2");
  config.intermediate_size = 256;  // whole blocks of the k formats
  return config;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape &&
         std::memcmp(a.data, b.data, static_cast<std::size_t>(a.n_bytes())) == 0;
}

TEST(RandomCheckpoint, SameBytesWithAnyNumberOfThreads) {
  ThreadPool one(1), three(3);
  for (const DType format : {DType::bf16, DType::q8_0, DType::q4_k}) {
    const Checkpoint a = make_random_checkpoint("random:tiny", tiny_config(), format, one);
    const Checkpoint b = make_random_checkpoint("random:tiny", tiny_config(), format, three);
    ASSERT_EQ(a.tensors().size(), b.tensors().size());
    for (const auto& [name, tensor] : a.tensors())
      EXPECT_TRUE(same_bytes(tensor, *b.find(name))) << name;
  }
}

TEST(RandomCheckpoint, BindsAndHasSaneValues) {
  ThreadPool pool(2);
  const Checkpoint checkpoint =
      make_random_checkpoint("random:tiny", tiny_config(), DType::q4_k, pool);
  EXPECT_EQ(checkpoint.format(), CheckpointFormat::random);
  const ModelWeights weights = bind_weights(checkpoint);
  ASSERT_EQ(weights.layers.size(), 2u);
  EXPECT_EQ(weights.layers[0].q_proj.dtype, DType::q5_0);  // rows of 64: no whole block of q4_k
  EXPECT_EQ(weights.layers[0].mlp.down_proj.dtype, DType::q4_k);  // rows of 256
  EXPECT_FALSE(same_bytes(weights.layers[0].q_proj, weights.layers[1].q_proj));
  EXPECT_FALSE(same_bytes(weights.layers[0].mlp.gate_proj, weights.layers[0].mlp.up_proj));
  for (int i = 0; i < 64; ++i) {
    EXPECT_NEAR(weights.final_norm.f32()[i], 1.0f, 0.1f);
    EXPECT_NEAR(weights.layers[1].q_bias.f32()[i], 0.0f, 0.1f);
  }
}

TEST(RandomCheckpoint, ValuesAreUniformWithVarianceOneOverColumns) {
  ThreadPool pool(2);
  const Checkpoint checkpoint =
      make_random_checkpoint("random:tiny", tiny_config(), DType::f32, pool);
  const Tensor& tensor = *checkpoint.find("model.layers.0.mlp.down_proj.weight");
  double sum = 0, squares = 0;
  const std::int64_t n = tensor.shape.n_elems();  // 16384 values
  for (std::int64_t i = 0; i < n; ++i) {
    const double value = tensor.f32()[i];
    EXPECT_LE(std::abs(value), std::sqrt(3.0 / 256) * (1 + 1e-6));
    sum += value;
    squares += value * value;
  }
  const double deviation = 1.0 / 16;  // sqrt(1 / 256)
  const double count = static_cast<double>(n);
  EXPECT_NEAR(sum / count, 0.0, 5 * deviation / std::sqrt(count));              // 5 sigma of a mean
  EXPECT_NEAR(squares / count, 1.0 / 256, 5 / 256.0 * std::sqrt(0.8 / count));  // kurtosis 1.8
}

// Pins the bytes: a change of the generator changes every recorded bench.
TEST(RandomCheckpoint, FirstValuesNeverChange) {
  ThreadPool pool(1);
  const Checkpoint checkpoint =
      make_random_checkpoint("random:tiny", tiny_config(), DType::f32, pool);
  const float* values = checkpoint.find("model.embed_tokens.weight")->f32();
  EXPECT_EQ(values[0], 0x1.a583660000000p-3f);
  EXPECT_EQ(values[63], 0x1.f661dc0000000p-4f);
}

std::uint64_t fnv1a(const Tensor& tensor) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (std::int64_t i = 0; i < tensor.n_bytes(); ++i) {
    hash = (hash ^ static_cast<std::uint64_t>(tensor.data[i])) * 0x100000001B3u;
  }
  return hash;
}

// The same bytes in every build: with and without
// fused multiply-add, any compiler, any architecture.
TEST(RandomCheckpoint, EncodedBytesNeverChange) {
  ThreadPool pool(2);
  const auto hash_of = [&](DType format) {
    const Checkpoint checkpoint =
        make_random_checkpoint("random:tiny", tiny_config(), format, pool);
    return fnv1a(*checkpoint.find("model.layers.1.mlp.down_proj.weight"));
  };
  EXPECT_EQ(hash_of(DType::bf16), 0x9B97632DF31A77B3u);
  EXPECT_EQ(hash_of(DType::q8_0), 0x6438066DCD07786Au);
  EXPECT_EQ(hash_of(DType::q4_0), 0x8A50C95365BE6D2Cu);
  EXPECT_EQ(hash_of(DType::q5_0), 0xAA70400B84F17218u);
  EXPECT_EQ(hash_of(DType::q4_k), 0xE1CA17AFCBAA01A8u);
}

TEST(RandomCheckpoint, AShapeMayBeCutToItsFirstLayers) {
  ThreadPool pool(2);
  const Checkpoint checkpoint = make_random_checkpoint("random:qwen2.5-0.5b-1l:q4_0", pool);
  EXPECT_EQ(checkpoint.config().n_layers, 1);
  EXPECT_EQ(checkpoint.config().hidden_size, 896);
}

TEST(RandomCheckpoint, UnknownNamesListTheKnownOnes) {
  ThreadPool pool(1);
  for (const char* name :
       {"random:", "random:qwen2.5-7b", "random:qwen2.5-7b:q6_k", "random:gpt:f32",
        "random:qwen3-0.6b-l:q4_0", "random:qwen3-0.6b-0l:q4_0", "random:qwen3-0.6b-29l:q4_0",
        "random:qwen3-0.6b-2lx:q4_0", "random:qwen3-0.6bx2l:q4_0"}) {
    EXPECT_TRUE(is_random_name(name));
    try {
      make_random_checkpoint(name, pool);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input);
      EXPECT_EQ(
          std::string(error.what()),
          "'" + std::string(name) +
              "' is not a random model; it must be random:SHAPE:FORMAT; shapes are qwen2.5-0.5b "
              "qwen2.5-1.5b qwen2.5-7b qwen3-0.6b qwen1.5-moe-a2.7b qwen3-30b-a3b, and a name with "
              "-4l behind it is its first 4 layers; formats are f32 f16 bf16 q8_0 q4_0 q4_k");
    }
  }
  EXPECT_FALSE(is_random_name("smollm2-135m"));
}

TEST(RandomCheckpoint, TooLargeForTheMachineIsSaidBefore) {
  ModelConfig config = tiny_config();
  config.vocab_size = 1 << 24;  // 64 TB of embedding
  config.hidden_size = 1 << 20;
  ThreadPool pool(1);
  try {
    make_random_checkpoint("random:huge", config, DType::f32, pool);
    FAIL() << "made 64 TB";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_NE(std::string(error.what()).find("GB of memory"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace tinyllm
