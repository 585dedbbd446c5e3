#include "learn/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tinyllm::learn {
namespace {

using testing::HasSubstr;

Answer numbers(std::vector<double> values) { return values; }

GoldenCase two_by_three() {
  GoldenCase golden{Case("small", "f", {}), {}, "x = [1 2]"};
  golden.wanted.push_back({"out",
                           AnswerKind::numbers,
                           {2, 3},
                           {"token", "dim"},
                           {1, 2, 3, 4, 5, 6},
                           std::vector<double>(6, 1e-6)});
  return golden;
}

TEST(Numbers, SurviveAsTextExactly) {
  const double third = 1.0 / 3;
  const std::vector<double> back =
      split_numbers(join_numbers({third, -std::numeric_limits<double>::infinity(), std::nan("")}));
  ASSERT_EQ(back.size(), 3u);
  EXPECT_EQ(back[0], third);
  EXPECT_EQ(back[1], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(back[2]));
}

TEST(FirstWrong, NanAndMissingValuesAreWrong) {
  const Wanted wanted = two_by_three().wanted[0];
  EXPECT_EQ(first_wrong(wanted, numbers({1, 2, 3, 4, 5, 6})), -1);
  EXPECT_EQ(first_wrong(wanted, numbers({1, 2, 3, 4, 5.1, 7})), 4);
  EXPECT_EQ(first_wrong(wanted, numbers({1, std::nan(""), 3, 4, 5, 6})), 1);
  EXPECT_EQ(first_wrong(wanted, numbers({1, 2, 3})), 3);
}

TEST(DescribeWrong, NamesTheIndices) {
  const GoldenCase golden = two_by_three();
  const std::string text = describe_wrong(golden, golden.wanted[0], numbers({1, 2, 3, 4, 9, 6}), 4);
  EXPECT_THAT(text, HasSubstr("out[token=1, dim=1] is 9, must be 5 (+- 1e-06 is allowed)"));
  EXPECT_THAT(text, HasSubstr("given  x = [1 2]"));
  EXPECT_THAT(describe_wrong(golden, golden.wanted[0], numbers({kNotWritten, 2, 3, 4, 5, 6}), 0),
              HasSubstr("out[token=0, dim=0] was never written, must be 1"));
}

TEST(KnownMistake, IsOneThatEqualsEveryAnswerAndIsWrongSomewhere) {
  const std::vector<GoldenCase> golden = {two_by_three()};
  const CaseAnswers right = {{"small", {{"out", numbers({1, 2, 3, 4, 5, 6})}}}};
  const CaseAnswers doubled = {{"small", {{"out", numbers({2, 4, 6, 8, 10, 12})}}}};
  const CaseAnswers other = {{"small", {{"out", numbers({2, 4, 6, 8, 10, 13})}}}};
  const std::map<std::string, CaseAnswers> recorded = {{"harmless", right}, {"twice", doubled}};
  EXPECT_EQ(known_mistake(golden, recorded, doubled), "twice");
  EXPECT_EQ(known_mistake(golden, recorded, other), "");
  EXPECT_EQ(known_mistake(golden, recorded, right), "") << "right answers are no mistake";
  EXPECT_EQ(known_mistake(golden, recorded, {}), "") << "no answers, no name";
}

TEST(StrayWrites, AreNoticedOnBothSides) {
  Floats values(3);
  EXPECT_EQ(values.first_stray_write(), 0);
  values.data()[3] = 1.0f;
  EXPECT_EQ(values.first_stray_write(), 1);
  Ints whole(2);
  whole.data()[-1] = 7;
  EXPECT_EQ(whole.first_stray_write(), -1);
}

}  // namespace
}  // namespace tinyllm::learn
