#include "model_store/near_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(NearNamesTest, NearestFirstAndNothingFar) {
  const std::vector<std::string> names = {"smollm2-135m", "qwen2.5-coder-1.5b",
                                          "ollama:qwen2.5:7b"};
  EXPECT_THAT(near_names("smolm2-135m", names), testing::ElementsAre("smollm2-135m"));
  EXPECT_THAT(near_names("QWEN2.5", names),
              testing::ElementsAre("qwen2.5-coder-1.5b", "ollama:qwen2.5:7b"));
  EXPECT_THAT(near_names("qwen2.5", names, 1), testing::ElementsAre("qwen2.5-coder-1.5b"));
  EXPECT_TRUE(near_names("mistral", names).empty());
  EXPECT_TRUE(near_names("", names).empty());
  EXPECT_TRUE(near_names(std::string(100'000, 'q'), names).empty());
}

TEST(NearNamesTest, NamesEachOnce) {
  EXPECT_EQ(near_names("smollm", {"smollm2-135m", "smollm2-135m"}),
            std::vector<std::string>{"smollm2-135m"});
}

}  // namespace
}  // namespace tinyllm
