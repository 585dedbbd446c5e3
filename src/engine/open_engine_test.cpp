// What open_engine makes of options that are left open.

#include "engine/open_engine.h"

#include <gtest/gtest.h>

#include "base/available_memory.h"
#include "base/error.h"
#include "base/temp_folder_test.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

TEST(OpenEngine, BlocksTakeTheirShareOfTheFreeMemory) {
  EngineOptions options = small_options();
  const auto sized = open("qwen2-bf16-tied", options);
  const auto block_bytes = static_cast<double>(sized->kv_bytes()) / sized->kv().n_blocks;
  const auto share_of = [&](double n_blocks) {
    return n_blocks * block_bytes / static_cast<double>(available_memory_bytes());
  };
  options.kv.n_blocks = 0;
  options.limits.max_num_seqs = 64;  // which could use 1024 blocks
  for (const double n_blocks : {50.0, 400.0}) {
    options.memory_share = share_of(n_blocks);
    const auto engine = open("qwen2-bf16-tied", options);
    // Other programs take and free memory meanwhile.
    EXPECT_GE(engine->kv().n_blocks, n_blocks / 2);
    EXPECT_LE(engine->kv().n_blocks, n_blocks * 2);
  }
  options.memory_share = 0.5;
  EXPECT_EQ(open("qwen2-bf16-tied", options)->kv().n_blocks, 64 * 256 / 16);
  options.memory_share = share_of(0.1);
  try {
    open("qwen2-bf16-tied", options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
  }
}

TEST(OpenEngine, HeadsThatCannotBeTurnedHaveNoKeysOf4Bits) {
  EngineOptions options = small_options();
  options.kv.type = KvType::q4;
  const std::string name = "qwen3-f32-tied-yarn";
  bool has_packed = false;
  const std::string said = testing::error_of(ErrorCode::unsupported, [&] {
    open_engine(tiny_model(name), options, [&](std::int64_t, std::int64_t) { has_packed = true; });
  });
  EXPECT_FALSE(has_packed);
  EXPECT_NE(said.find(name + ": keys and values of q4 need heads"), std::string::npos) << said;
  EXPECT_NE(said.find("heads whose size is a power of two, not 14; --kv-type int8 takes any"),
            std::string::npos)
      << said;
  options.kv.type = KvType::int8;
  open(name, options);
}

}  // namespace
}  // namespace tinyllm
