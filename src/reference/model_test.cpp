#include "reference/model.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "loader/random_checkpoint.h"

namespace tinyllm::reference {
namespace {

// Numbers are proved in tests/golden/reference_logits_test.cpp; here is what needs no transformers.

ModelConfig qwen_config() {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab_size = 40;
  config.hidden_size = 32;
  config.intermediate_size = 32;
  config.n_layers = 1;
  config.n_heads = 2;
  config.n_kv_heads = 1;
  config.head_dim = 16;
  config.max_seq_len = 64;
  return config;
}

TEST(Model, CountsPositions) {
  ThreadPool pool(1);
  const Checkpoint checkpoint =
      make_random_checkpoint("random:tiny", qwen_config(), DType::bf16, pool);
  Model model(checkpoint, pool, 10);
  EXPECT_EQ(model.max_tokens(), 10);
  EXPECT_EQ(model.n_computed(), 0);
  const TokenId ids[3] = {1, 2, 3};
  EXPECT_EQ(model.forward(ids).size(), 40u);
  EXPECT_EQ(model.n_computed(), 3);
  model.rewind(1);
  EXPECT_EQ(model.n_computed(), 1);
}

TEST(ReferenceModelDeathTest, TooManyTokensAreAFault) {
  ThreadPool pool(1);
  const Checkpoint checkpoint =
      make_random_checkpoint("random:tiny", qwen_config(), DType::f32, pool);
  Model model(checkpoint, pool, 2);
  const TokenId ids[3] = {1, 2, 3};
  EXPECT_DEATH(model.forward(ids), "3 tokens after 0 do not fit into 2");
  EXPECT_DEATH(model.rewind(1), "rewind to 1 of 0 positions");
}

TEST(Model, AContextThatDoesNotFitInMemoryIsRefused) {
  ThreadPool pool(1);
  const Checkpoint checkpoint =
      make_random_checkpoint("random:tiny", qwen_config(), DType::f32, pool);
  try {
    Model model(checkpoint, pool, std::int64_t{1} << 40);
    FAIL() << "allocated 140 TB";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_NE(std::string(error.what()).find("use a context of at most"), std::string::npos);
  }
}

}  // namespace
}  // namespace tinyllm::reference
