#include "model/weight_formats.h"

#include <gtest/gtest.h>

#include "loader/random_checkpoint.h"

namespace tinyllm {
namespace {

TEST(WeightFormats, LeaveEverythingUnlessAsked) {
  const WeightFormats formats;
  EXPECT_EQ(formats.matrix(DType::bf16, 896), DType::bf16);
  EXPECT_EQ(formats.table(DType::q8_0, 896), DType::q8_0);
}

TEST(WeightFormats, OnlyFloatsAreQuantisedAndTablesKeepMoreBits) {
  const WeightFormats formats = {.floats = DType::q4_k};
  EXPECT_EQ(formats.matrix(DType::bf16, 512), DType::q4_k);
  EXPECT_EQ(formats.matrix(DType::f32, 896), DType::q5_0);  // no whole number of blocks of 256
  EXPECT_EQ(formats.matrix(DType::q8_0, 512), DType::q8_0);
  EXPECT_EQ(formats.table(DType::bf16, 512), DType::q6_k);
  EXPECT_EQ(formats.table(DType::bf16, 896), DType::q8_0);
}

TEST(WeightFormats, AModelThatOnlyDraftsGetsFourBits) {
  const WeightFormats formats = {.floats = DType::q8_0, .at_most_4_bits = true};
  for (const DType of : {DType::f32, DType::bf16, DType::q8_0, DType::q6_k, DType::q5_0}) {
    EXPECT_EQ(formats.matrix(of, 512), DType::q4_k);
    EXPECT_EQ(formats.matrix(of, 896), DType::q4_0);
    EXPECT_EQ(formats.table(of, 896), DType::q4_0);
  }
  for (const DType of : {DType::q4_0, DType::q4_1, DType::q4_k, DType::q2_k})
    EXPECT_EQ(formats.matrix(of, 512), of);
  EXPECT_EQ(formats.matrix(DType::bf16, 40), DType::f16);  // rows of no block format
}

TEST(WeightFormats, SizesFollowTheFormats) {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab_size = 512;
  config.hidden_size = 256;
  config.intermediate_size = 768;
  config.n_layers = 1;
  config.n_heads = config.n_kv_heads = 4;
  config.head_dim = 64;
  config.max_seq_len = 64;
  config.tie_word_embeddings = true;
  ThreadPool pool(1);
  const Checkpoint checkpoint = make_random_checkpoint("tiny", config, DType::bf16, pool);
  const std::int64_t n_weights = 512 * 256 + 4 * 256 * 256 + 3 * 256 * 768, n_norms = 3 * 256;
  const std::int64_t norms = packed_size(checkpoint, {}) - 2 * n_weights;  // as the file has them
  EXPECT_TRUE(norms == 2 * n_norms || norms == 4 * n_norms) << norms;
  EXPECT_EQ(packed_size(checkpoint, {.floats = DType::q8_0}) - norms, n_weights / 32 * 34);
  EXPECT_EQ(packed_size(checkpoint, {.floats = {}, .at_most_4_bits = true}) - norms,
            n_weights / 256 * 144);
}

}  // namespace
}  // namespace tinyllm
