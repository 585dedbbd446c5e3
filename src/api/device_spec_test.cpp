#include "api/device_spec.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(ParseDevice, KnowsTheDevices) {
  EXPECT_EQ(parse_device("cpu")->kind, DeviceKind::cpu);
  EXPECT_EQ(parse_device("auto")->kind, DeviceKind::automatic);
  EXPECT_EQ(parse_device("cuda")->kind, DeviceKind::cuda);
  EXPECT_EQ(parse_device("cuda")->idx, 0);
  EXPECT_EQ(parse_device("cuda:3")->idx, 3);
}

TEST(ParseDevice, RefusesTheRest) {
  for (const char* text : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "CPU"})
    EXPECT_FALSE(parse_device(text)) << text;
}

}  // namespace
}  // namespace tinyllm
