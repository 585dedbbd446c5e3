// A small cross-encoder against transformers in f32 (make_encoder_goldens.py): every id, every type
// and every score.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "encoder/cross_encoder.h"
#include "encoder/encoder_folder.h"

namespace tinyllm {
namespace {

using Json = nlohmann::json;

const std::string kData = TINYLLM_SOURCE_DIR "/tests/golden/data/encoder/";

std::vector<TextPair> pairs_of(const CrossEncoder& model, const Json& golden) {
  std::vector<TextPair> pairs;
  for (const Json& pair : golden["pairs"])
    pairs.push_back(model.encode(pair[0].get<std::string>(), pair[1].get<std::string>()));
  return pairs;
}

std::vector<float> score(const CrossEncoder& model, const std::vector<TextPair>& pairs) {
  std::vector<float> scores(pairs.size());
  EXPECT_TRUE(model.score(pairs, scores.data(), [] { return true; }));
  return scores;
}

TEST(CrossEncoder, GivesTheIdsTypesAndScoresOfTransformers) {
  const Json want = Json::parse(read_text_file(kData + "cross.json"));
  const CrossEncoder model(kData + "cross", {EncoderPrecision::f32, 2});
  const std::vector<TextPair> pairs = pairs_of(model, want);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(Json(pairs[i].ids), want["ids"][i]) << i;
    std::vector<int> types(pairs[i].ids.size(), 1);
    std::fill_n(types.begin(), pairs[i].n_first, 0);
    EXPECT_EQ(Json(types), want["types"][i]) << i;
  }
  // The sigmoid is 1/4 as steep as its argument, a float state is right to 2e-5 of its size (see
  // encoder_test.cpp), and the head sums 32 of them.
  const std::vector<float> got = score(model, pairs);
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want["scores"][i].get<float>(), 2e-5) << i;
}

TEST(CrossEncoder, APairIsTheSameInAnyCompany) {
  const Json want = Json::parse(read_text_file(kData + "cross.json"));
  const CrossEncoder model(kData + "cross", {EncoderPrecision::int8, 2});
  const std::vector<TextPair> pairs = pairs_of(model, want);
  const std::vector<float> together = score(model, pairs);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(score(model, {pairs[i]})[0], together[i]) << i;
    // A cosine of 0.998 (encoder_test.cpp) is 6 % of a state's length. The logits here are within
    // 3 of 0, and the sigmoid's slope is at most 1/4: 0.06 * 3 / 4.
    EXPECT_NEAR(together[i], want["scores"][i].get<float>(), 0.045) << i;
  }
}

TEST(CrossEncoder, IsNoEmbedderAndNoEmbedderIsOne) {
  EXPECT_TRUE(is_cross_encoder_folder(kData + "cross"));
  EXPECT_FALSE(is_cross_encoder_folder(kData + "mean"));
  EXPECT_FALSE(is_cross_encoder_folder(kData + "nothing"));
  EXPECT_THROW(Embedder(kData + "cross"), Error);
  EXPECT_THROW(CrossEncoder(kData + "mean"), Error);
}

}  // namespace
}  // namespace tinyllm
