#include "retrieval/rerank.h"

#include <gmock/gmock.h>

namespace tinyllm {
namespace {

TEST(Rerank, BestScoreFirstAndEqualOnesAsTheyStood) {
  std::vector<Hit> hits(4);
  for (std::size_t i = 0; i < hits.size(); ++i) hits[i].chunk.id = static_cast<int>(i);
  const std::vector<float> scores = {0.25f, 0.5f, 0.75f, 0.5f};
  const std::vector<Hit> best = rerank(hits, scores, 3);
  ASSERT_EQ(best.size(), 3u);
  EXPECT_EQ(best[0].chunk.id, 2);
  EXPECT_EQ(best[1].chunk.id, 1);
  EXPECT_EQ(best[2].chunk.id, 3);
  EXPECT_EQ(best[0].score, 0.75);
}

}  // namespace
}  // namespace tinyllm
