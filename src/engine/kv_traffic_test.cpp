#include "engine/kv_traffic.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "kernels/forwarding_backend_test.h"
#include "kv_store/small_store_test.h"

namespace tinyllm {
namespace {

using testing::TempFolder;

constexpr std::int64_t kSize = 4;  // tokens of a block, as in small_identity()

// Blocks that hold their number; memory is short as often as a test says.
class BlocksOnly final : public ForwardingBackend {
 public:
  BlocksOnly() : ForwardingBackend(nullptr) {}
  void read_block(std::int32_t block, std::span<std::byte> out) override {
    if (n_failures-- > 0) throw std::bad_alloc();
    std::ranges::fill(out, static_cast<std::byte>(block));
  }
  void write_block(std::int32_t, std::span<const std::byte>) override { ++n_blocks_written; }

  int n_failures = 0, n_blocks_written = 0;
};

// A scheduler and the store of a folder, and one text of 6 blocks and a token.
struct Traffic {
  explicit Traffic(const TempFolder& folder)
      : scheduler(
            {.limits = {.max_num_seqs = 4, .max_num_batched_tokens = 64, .max_model_len = 64}},
            {.kv = {.block_size = kSize, .n_blocks = 32}}),
        traffic(std::make_unique<KvStore>(spec_of(folder), small_identity()), backend, scheduler,
                [] {}) {
    for (TokenId i = 0; i < 6 * kSize + 1; ++i) prompt.push_back(i);
  }

  // Submits the text and plans a step. Returns how many of its tokens the step computes.
  std::int64_t plan(SequenceId id) {
    scheduler.submit({.id = id, .prompt_ids = prompt, .max_tokens = 2});
    const StepPlan& plan =
        scheduler.plan([](const Sequence&, std::int64_t) { return std::span<const TokenId>(); },
                       [this](const Sequence& sequence) { return traffic.fetch(sequence); });
    return plan.n_tokens;
  }
  void commit() {
    const std::vector<TokenId> drawn = {7};
    const std::vector<RowResult> rows = {{.sequence_id = 1, .token_ids = drawn}};
    scheduler.commit(rows, [this](const Sequence& sequence, std::int32_t block_idx) {
      traffic.save(sequence, block_idx);
    });
  }
  void wait_for_writes(std::uint64_t n) const {
    while (traffic.counts().n_written < n) std::this_thread::yield();
  }

  BlocksOnly backend;
  Scheduler scheduler;
  KvTraffic traffic;
  std::vector<TokenId> prompt;
};

void fill(const TempFolder& folder) {
  Traffic run(folder);
  EXPECT_EQ(run.plan(1), 25);
  run.commit();
  run.wait_for_writes(6);
}

TEST(KvTraffic, BlocksAreTakenAsLongAsThereIsTime) {
  const TempFolder folder;
  fill(folder);
  Traffic run(folder);
  EXPECT_EQ(run.plan(1), 0);
  while (run.traffic.counts().n_hits < 6) std::this_thread::yield();
  run.traffic.take_arrived(std::chrono::nanoseconds(0));
  EXPECT_EQ(run.backend.n_blocks_written, 1);
  run.traffic.take_arrived(std::chrono::hours(1));
  EXPECT_EQ(run.backend.n_blocks_written, 6);
  EXPECT_EQ(run.scheduler.find(1)->n_computed, 24);
}

TEST(KvTraffic, WhereMemoryIsShortABlockIsNotStored) {
  const TempFolder folder;
  Traffic run(folder);
  run.backend.n_failures = 1;
  EXPECT_EQ(run.plan(1), 25);
  run.commit();
  EXPECT_EQ(run.traffic.counts().n_not_stored, 6u);  // the first, and those behind the gap
  // The next text that begins like it finds the blocks in memory: the gap is closed from there.
  EXPECT_EQ(run.plan(2), 2);
  run.wait_for_writes(6);
  EXPECT_EQ(run.traffic.counts().n_blocks, 6);
}

TEST(KvTraffic, WhereMemoryIsShortAPromptIsComputed) {
  const TempFolder folder;
  Traffic run(folder);
  run.backend.n_failures = 1;
  EXPECT_EQ(run.plan(1), 25);
  run.commit();
  run.backend.n_failures = 1;
  EXPECT_EQ(run.plan(2), 2);
  EXPECT_EQ(run.traffic.counts().n_written, 0u);
}

}  // namespace
}  // namespace tinyllm
