#include "speculative/step_cost.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(StepCost, LearnsHowAStepGrows) {
  StepCost cost;
  EXPECT_DOUBLE_EQ(cost.of(1), 1);
  EXPECT_DOUBLE_EQ(cost.of(5), 2);  // until it is known better
  for (int i = 0; i < 200; ++i) {
    cost.observe(1, 0.030);
    cost.observe(4, 0.039);
    cost.observe(8, 0.060);
  }
  EXPECT_NEAR(cost.of(4), 1.3, 0.03);
  EXPECT_NEAR(cost.of(8), 2.0, 0.05);
  EXPECT_NEAR(cost.of(6), 1.65, 0.05);  // between its neighbours
  EXPECT_GT(cost.of(20), cost.of(8));
  EXPECT_GT(cost.of(1000), cost.of(100));
}

// A machine that is slower for a while says nothing about the growth.
TEST(StepCost, ASlowMachineChangesThePaceOnly) {
  StepCost cost;
  for (int i = 0; i < 200; ++i) {
    cost.observe(1, 0.030);
    cost.observe(4, 0.039);
  }
  for (int i = 0; i < 100; ++i) {
    cost.observe(1, 0.090);
    cost.observe(4, 0.117);
  }
  EXPECT_NEAR(cost.of(4), 1.3, 0.08);
  for (int i = 0; i < 100; ++i) cost.observe(4, 0.039);
  EXPECT_NEAR(cost.of(4), 1.3, 0.1);
}

}  // namespace
}  // namespace tinyllm
