#include "retrieval/sentences.h"

#include <gmock/gmock.h>

#include "base/clock.h"

namespace tinyllm {
namespace {

using ::testing::ElementsAre;

TEST(Sentences, MarksWithinAWordEndNothing) {
  EXPECT_THAT(sentences("See a.b and 1.5 (\"x.\")y. Yes?! No."),
              ElementsAre("See a.b and 1.5 (\"x.\")y. ", "Yes?! ", "No."));
}

// Took minutes when each mark looked at all that follow.
TEST(Sentences, AMegabyteOfMarksIsReadOnce) {
  const std::string text = std::string(std::size_t{4} << 20, '.') + "x";
  const Stopwatch clock;
  EXPECT_THAT(sentences(text), ElementsAre(text));
  EXPECT_LT(clock.seconds(), 30);
}

}  // namespace
}  // namespace tinyllm
