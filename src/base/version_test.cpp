#include "base/version.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(Version, ThisBuildHasAnIdOfItsOwn) {
  EXPECT_FALSE(version().empty());
  EXPECT_NE(build_id(), 0u);
  EXPECT_EQ(build_id(), build_id());
}

}  // namespace
}  // namespace tinyllm
