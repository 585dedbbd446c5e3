#include "apps/chat_model.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(ChatModel, TheContextIsTheModelsWithinMemory) {
  constexpr std::int64_t kGigabyte = 1'000'000'000;
  EXPECT_EQ(default_chat_context(8192, 23040, 16 * kGigabyte), 8192);     // as trained
  EXPECT_EQ(default_chat_context(131072, 28672, 64 * kGigabyte), 32768);  // at most
  EXPECT_EQ(default_chat_context(131072, 28672, 2 * kGigabyte), 17438);   // a quarter of 2 GB
  EXPECT_EQ(default_chat_context(131072, 131072, kGigabyte), 4096);       // at least
  EXPECT_EQ(default_chat_context(2048, 131072, 0), 2048);
}

TEST(ChatModel, ScalesTakeMemoryToo) {
  ModelConfig config;
  config.n_layers = 30;
  config.n_kv_heads = 3;
  config.head_dim = 64;
  EXPECT_EQ(kv_bytes_a_token(config, KvType::bf16), 30 * 3 * 2 * 64 * 2);
  EXPECT_EQ(kv_bytes_a_token(config, KvType::int8), 30 * 3 * 2 * (64 + 4));
  EXPECT_EQ(kv_bytes_a_token(config, KvType::q4), 30 * 3 * 2 * (32 + 4));
}

}  // namespace
}  // namespace tinyllm
