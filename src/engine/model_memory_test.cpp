#include "engine/model_memory.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/forwarding_backend_test.h"

namespace tinyllm {
namespace {

class SmallMemory final : public ForwardingBackend {
 public:
  SmallMemory() : ForwardingBackend(nullptr) {}
  std::int64_t free_bytes() const override { return 10000; }
};

TEST(ModelMemory, SpareBlocksOfADraftModelAreCounted) {
  const SmallMemory backend;
  EngineOptions options;
  options.limits.max_model_len = 4096;
  options.memory_share = 0.5;
  EXPECT_EQ(default_blocks(backend, 100, 0, options), 50);
  EXPECT_EQ(default_blocks(backend, 100, 1000, options), 40);
  EXPECT_EQ(default_blocks(backend, 100, 6000, options), 0);
  options.kv.n_blocks = 95;
  EXPECT_NO_THROW(check_blocks(backend, 100, 500, options));
  EXPECT_THROW(check_blocks(backend, 100, 501, options), Error);
}

}  // namespace
}  // namespace tinyllm
