#include "server/model_host.h"

#include <gtest/gtest.h>

#include "engine/tiny_engine_test.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

int status_of(const ModelHost& host, std::string_view name) {
  try {
    host.find(name);
    return 200;
  } catch (const ApiError& error) {
    return error.status;
  }
}

TEST(ModelHost, FindsAModelByEachOfItsNames) {
  ModelHost host;
  EXPECT_TRUE(host.empty());
  EXPECT_EQ(status_of(host, ""), 503);
  EXPECT_EQ(status_of(host, "tiny"), 503);

  const auto one = open("qwen2-bf16-tied", small_options());
  const auto two = open("llama-bf16-tied", small_options());
  host.add({.engine = one.get(), .names = {"tiny", "alias"}});
  host.add({.engine = two.get(), .names = {"other"}});
  EXPECT_EQ(host.find("").engine, one.get());
  EXPECT_EQ(host.find("tiny").engine, one.get());
  EXPECT_EQ(host.find("alias").engine, one.get());
  EXPECT_EQ(host.find("other").engine, two.get());
  EXPECT_EQ(status_of(host, "unknown"), 404);
  int n_models = 0;
  host.each([&](const ServedModel&) { ++n_models; });
  EXPECT_EQ(n_models, 2);
  EXPECT_FALSE(host.has_failed());
}

}  // namespace
}  // namespace tinyllm
