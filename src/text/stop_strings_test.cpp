#include "text/stop_strings.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(StopStrings, PassesTextThroughWithoutStops) {
  StopStrings stops({""});
  EXPECT_EQ(stops.push("one "), "one ");
  EXPECT_EQ(stops.push("two"), "two");
  EXPECT_FALSE(stops.matched());
}

TEST(StopStrings, FindsAStopAcrossPieces) {
  StopStrings stops({"END."});
  EXPECT_EQ(stops.push("the E"), "the ");
  EXPECT_EQ(stops.push("ND"), "");
  EXPECT_EQ(stops.push(". more"), "");
  EXPECT_TRUE(stops.matched());
  EXPECT_EQ(stops.push("after"), "");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, ReleasesAFalseBeginning) {
  StopStrings stops({"END."});
  EXPECT_EQ(stops.push("E"), "");
  EXPECT_EQ(stops.push("N"), "");
  EXPECT_EQ(stops.push("EN"), "EN");
  EXPECT_EQ(stops.finish(), "EN");
  EXPECT_FALSE(stops.matched());
}

TEST(StopStrings, EarliestOfSeveralWins) {
  StopStrings stops({"zz", "b", "bc"});
  EXPECT_EQ(stops.push("a bc zz"), "a ");
  EXPECT_TRUE(stops.matched());
}

TEST(StopStrings, OverlappingBeginningIsKept) {
  StopStrings stops({"aab"});
  EXPECT_EQ(stops.push("aaa"), "a");
  EXPECT_EQ(stops.push("b"), "");
  EXPECT_TRUE(stops.matched());
}

}  // namespace
}  // namespace tinyllm
