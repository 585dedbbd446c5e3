// The recipe as a backend sees it.

#include "model/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "model/recording_backend_test.h"
#include "model/tiny_decoder_test.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;

class DecoderTest : public testing::Test {
 protected:
  void open(bool tied) {
    decoder = make_tiny_decoder(backend, pool, tied, [this](std::int64_t done, std::int64_t total) {
      progress.emplace_back(done, total);
    });
  }

  ThreadPool pool{1};
  RecordingBackend backend;
  std::unique_ptr<Decoder> decoder;
  std::vector<std::pair<std::int64_t, std::int64_t>> progress;
};

TEST_F(DecoderTest, AStepIsOneUploadAndOneRecipe) {
  open(true);
  backend.calls.clear();
  decoder->step({});
  EXPECT_THAT(backend.calls,
              ElementsAre("begin_step", "run replayable", "embed 0", "attention_input 0",
                          "attention 0", "attention_output 0", "mlp 0", "attention_input 1",
                          "attention 1", "attention_output 1", "mlp 1", "head 0", "end of run"));
}

TEST_F(DecoderTest, AWatchedStepLooksOnBetweenLayersAndIsNeverReplayed) {
  open(false);
  backend.calls.clear();
  std::vector<std::pair<std::int32_t, std::string>> seen;
  decoder->step_watched(
      {}, [&](std::int32_t layer_idx) { seen.emplace_back(layer_idx, backend.calls.back()); });
  EXPECT_EQ(backend.calls[1], "run watched");
  EXPECT_THAT(seen,
              ElementsAre(std::pair(-1, "embed 0"), std::pair(0, "mlp 0"), std::pair(1, "mlp 1")));
  EXPECT_EQ(backend.calls[backend.calls.size() - 2], "head 1") << "a head of its own";
}

TEST_F(DecoderTest, PacksEveryWeightOnceAndTellsTheSizes) {
  open(true);
  // Embedding, and a layer's qkv, o, gate and up, down; final norm, and a layer's two.
  EXPECT_EQ(std::ranges::count(backend.calls, "matrix of 1, by rows"), 1);
  EXPECT_EQ(std::ranges::count(backend.calls, "matrix of 3, by rows"), 2);
  EXPECT_EQ(std::ranges::count(backend.calls, "matrix of 1, by columns"), 2 * 2);
  EXPECT_EQ(std::ranges::count(backend.calls, "matrix of 2 interleaved, by rows"), 2);
  EXPECT_EQ(std::ranges::count(backend.calls, "vector of 1"), 1 + 2 * 2);
  EXPECT_EQ(backend.calls.back(), "rope 256");  // 64 positions, 4 pairs
  EXPECT_THAT(progress, ElementsAre(std::pair(1, 2), std::pair(2, 2)));
  const BackendSizes sizes = decoder->sizes();
  EXPECT_EQ(sizes.hidden_size, 32);
  EXPECT_EQ(sizes.intermediate_size, 64);
  EXPECT_EQ(sizes.vocab_size, 64);
  EXPECT_EQ(sizes.limits.max_model_len, kTinyContext);
  ASSERT_EQ(sizes.attention.size(), 2u);
  for (const AttentionSpec& layer : sizes.attention) {
    EXPECT_EQ(layer.n_heads, 4);
    EXPECT_EQ(layer.n_kv_heads, 2);
  }
}

TEST_F(DecoderTest, ATokenReadsAllWeightsButAnUntiedEmbedding) {
  open(true);
  EXPECT_EQ(decoder->weight_bytes_a_token(), backend.packed_bytes());
  RecordingBackend untied;
  const auto other = make_tiny_decoder(untied, pool, false);
  EXPECT_EQ(other->weight_bytes_a_token(), untied.packed_bytes() - 100);
}

}  // namespace
}  // namespace tinyllm
