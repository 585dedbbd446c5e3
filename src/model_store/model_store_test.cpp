#include "model_store/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model_store/test_world.h"

namespace tinyllm {
namespace {

using testing::HasSubstr;

class ModelStoreTest : public testing::Test {
 protected:
  std::string error_of(const std::string& name) const {
    try {
      return "no error, but " + store_.resolve(name).string();
    } catch (const Error& error) {
      return error.what();
    }
  }

  TestWorld world_;
  ModelStore store_{world_.folder() / "home"};
};

TEST(ModelHomeTest, FollowsTheEnvironment) {
  const TestWorld world;
  EXPECT_EQ(default_model_home(), world.folder() / ".cache/tinyllm");
  ::setenv("XDG_CACHE_HOME", "/x/cache", 1);
  EXPECT_EQ(default_model_home(), "/x/cache/tinyllm");
  ::setenv("XDG_CACHE_HOME", "relative", 1);  // to be ignored, says its specification
  EXPECT_EQ(default_model_home(), world.folder() / ".cache/tinyllm");
  ::setenv("TINYLLM_HOME", "/y", 1);
  EXPECT_EQ(default_model_home(), "/y");
}

TEST_F(ModelStoreTest, RandomAndPathsPassThrough) {
  EXPECT_EQ(store_.resolve("random:qwen2.5-7b:bf16"), "random:qwen2.5-7b:bf16");
  const auto file = world_.write("elsewhere/blob", "x");
  EXPECT_EQ(store_.resolve(file.string()), file);
  EXPECT_EQ(store_.resolve(file.parent_path().string()), file.parent_path());
}

TEST_F(ModelStoreTest, PackagedModelBySeveralNames) {
  const auto file = world_.write("home/models/SmolLM2-135M-Instruct.Q4_1.gguf", "x");
  EXPECT_EQ(store_.resolve("smollm2-135m"), file);
  EXPECT_EQ(store_.resolve("SmolLM2-135M"), file);
  EXPECT_TRUE(store_.pullable().front().pulled);
  EXPECT_FALSE(store_.pullable().back().pulled);
}

TEST_F(ModelStoreTest, HubModelsByRepositoryFileAndQuantisation) {
  const auto q4 = world_.write("home/models/Qwen/R-GGUF/r-q4_k_m.gguf", "x");
  EXPECT_EQ(store_.resolve("Qwen/R-GGUF"), q4);
  const auto q8 = world_.write("home/models/Qwen/R-GGUF/r-q8_0.gguf", "x");
  world_.write("home/models/Qwen/R-GGUF/r-q2_k.gguf.part", "half");
  EXPECT_EQ(store_.resolve("qwen/r-gguf:Q8_0"), q8);
  EXPECT_EQ(store_.resolve("Qwen/R-GGUF:r-q4_k_m.gguf"), q4);
  EXPECT_EQ(store_.resolve("r-q4_k_m"), q4);
  EXPECT_EQ(error_of("Qwen/R-GGUF"),
            "Qwen/R-GGUF: fits Qwen/R-GGUF:r-q4_k_m.gguf, Qwen/R-GGUF:r-q8_0.gguf; give one of "
            "these names");
  const auto folder = world_.write("home/models/Qwen/Safe/config.json", "{}").parent_path();
  EXPECT_EQ(store_.resolve("Qwen/Safe"), folder);
}

TEST_F(ModelStoreTest, AliasMeansItsHubFile) {
  const auto file = world_.write(
      "home/models/Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q4_k_m.gguf", "x");
  EXPECT_EQ(store_.resolve("qwen2.5-0.5b-instruct"), file);
}

TEST_F(ModelStoreTest, OwnModelGoesBeforeAnotherProgramsCopy) {
  const auto hub =
      world_.write(".cache/huggingface/hub/models--Org--R/snapshots/abc/config.json", "{}")
          .parent_path();
  EXPECT_EQ(store_.resolve("Org/R"), hub);
  const auto own = world_.write("home/models/Org/R/config.json", "{}").parent_path();
  EXPECT_EQ(store_.resolve("Org/R"), own);
  EXPECT_EQ(store_.resolve("hf:Org/R"), hub);
}

TEST_F(ModelStoreTest, UnknownNamesSayWhatToDo) {
  EXPECT_EQ(error_of("smollm2-135m"),
            "smollm2-135m: not on this machine yet; run `tinyllm pull smollm2-135m`");
  EXPECT_THAT(error_of("smolm-135m"), HasSubstr("did you mean smollm2-135m?"));
  EXPECT_THAT(error_of("smolm-135m"), HasSubstr("`tinyllm list`"));
  EXPECT_EQ(error_of("./none.gguf"), "./none.gguf: no such file or folder");
  EXPECT_THAT(error_of(""), HasSubstr("empty"));
  EXPECT_THAT(error_of("zzzzzzzzzzzzzzzz"), testing::Not(HasSubstr("did you mean")));
}

}  // namespace
}  // namespace tinyllm
