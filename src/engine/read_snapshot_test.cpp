#include "engine/read_snapshot.h"

#include <gtest/gtest.h>

#include <future>

#include "engine/random_load_test.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

constexpr std::int32_t kBlocks = 12, kBlockSize = 4;

// A scheduler whose steps always draw token 9, and the choices that the engine would keep for it.
class ReadSnapshotTest : public testing::Test {
 protected:
  void submit(SequenceId id, const std::string& name, std::int64_t n_prompt) {
    Request request;
    request.name = name;
    for (std::int64_t i = 0; i < n_prompt; ++i)
      request.prompt_ids.push_back(static_cast<TokenId>(i));  // all share their beginning
    request.params.max_tokens = 20;
    const auto shared = std::make_shared<const Request>(std::move(request));
    const auto stream = std::make_shared<RequestStream>(1);
    choices_.emplace(id, Choice(shared, stream, 0, nullptr, {}));
    scheduler_.submit({.id = id, .prompt_ids = shared->prompt_ids, .max_tokens = 20});
  }

  void step() {
    ++n_steps_;
    std::vector<RowResult> results;
    for (const PlanRow& row : scheduler_.plan().rows) {
      Choice& choice = choices_.at(row.sequence_id);
      choice.last_step = n_steps_;
      choice.last_was_prefill = row.start < choice.n_prompt();
      results.push_back({row.sequence_id, drawn(row.n_draws), FinishReason::none});
    }
    scheduler_.commit(results);
  }

  static std::span<const TokenId> drawn(std::int32_t n_draws) {
    static constexpr TokenId kNine = 9;
    return {&kNine, static_cast<std::size_t>(n_draws)};
  }

  EngineSnapshot read() const { return read_snapshot(scheduler_, choices_, n_steps_); }

  // Blocks in a state, by the map.
  static std::int32_t count(const EngineSnapshot& snapshot, std::int32_t holder) {
    std::int32_t n = 0;
    for (const BlockRun& run : snapshot.blocks) n += run.holder == holder ? run.n_blocks : 0;
    return n;
  }

  Scheduler scheduler_{
      {.limits = {.max_num_seqs = 2, .max_num_batched_tokens = 8, .max_model_len = 40}},
      {.kv = {.block_size = kBlockSize, .n_blocks = kBlocks}, .secret = 1}};
  std::unordered_map<SequenceId, Choice> choices_;
  std::uint64_t n_steps_ = 0;
};

TEST_F(ReadSnapshotTest, CountsTheBlocksOfEachSequence) {
  EngineSnapshot nothing = read();
  EXPECT_EQ(nothing.n_free, kBlocks);
  ASSERT_EQ(nothing.blocks.size(), 1u);
  EXPECT_EQ(nothing.blocks[0].holder, BlockRun::kFree);
  EXPECT_EQ(nothing.blocks[0].n_blocks, kBlocks);

  submit(1, "one", 10);
  step();  // 8 of 10 prompt tokens; the blocks of the whole prompt are taken
  const EngineSnapshot chunk = read();
  ASSERT_EQ(chunk.lanes.size(), 1u);
  EXPECT_EQ(chunk.lanes[0].state, LaneState::prefill);
  EXPECT_EQ(chunk.lanes[0].request_name, "one");
  EXPECT_EQ(chunk.lanes[0].n_computed, 8);
  EXPECT_EQ(chunk.lanes[0].n_generated, 0);
  EXPECT_EQ(chunk.lanes[0].n_blocks, 3);
  EXPECT_EQ(count(chunk, 0), 3);
  EXPECT_EQ(chunk.n_free, kBlocks - 3);

  step(), step();  // the rest and a token; a second token
  const EngineSnapshot decode = read();
  EXPECT_EQ(decode.lanes[0].state, LaneState::decode);
  EXPECT_EQ(decode.lanes[0].n_generated, 2);
  EXPECT_EQ(decode.lanes[0].n_computed, 11);
}

TEST_F(ReadSnapshotTest, KnowsSharedCachedAndWaiting) {
  submit(1, "one", 10);
  step(), step();
  submit(2, "two", 9);
  submit(3, "three", 6);
  step();  // "two" starts from the first two blocks of "one"; there are only two rows
  const EngineSnapshot both = read();
  ASSERT_EQ(both.lanes.size(), 2u);
  EXPECT_EQ(both.lanes[1].n_cached, 8);
  EXPECT_EQ(both.lanes[1].n_blocks, 3);
  EXPECT_EQ(both.lanes[1].state, LaneState::prefill);
  EXPECT_EQ(count(both, BlockRun::kShared), 2);
  EXPECT_EQ(count(both, 0), 1);
  EXPECT_EQ(count(both, 1), 1);
  EXPECT_EQ(both.n_waiting, 1);
  ASSERT_EQ(both.waiting.size(), 1u);
  EXPECT_EQ(both.waiting[0].request_name, "three");
  EXPECT_EQ(both.waiting[0].n_prompt, 6);

  for (const SequenceId id : {3, 2, 1}) scheduler_.finish(id, FinishReason::cancelled);
  const EngineSnapshot after = read();
  EXPECT_TRUE(after.lanes.empty());
  EXPECT_EQ(after.n_free, kBlocks);
  EXPECT_EQ(after.n_cached, count(after, BlockRun::kCached));
  EXPECT_EQ(after.n_cached, 2);  // the full blocks of ten prompt tokens
  EXPECT_EQ(count(after, BlockRun::kFree), kBlocks - 2);
}

TEST_F(ReadSnapshotTest, ARunningSequenceWithoutARowIsIdle) {
  submit(1, "one", 10);
  step();
  ++n_steps_;  // a step that had no row for it
  EXPECT_EQ(read().lanes[0].state, LaneState::idle);
}

EngineSnapshot snapshot_of(Engine& engine) {
  const auto promise = std::make_shared<std::promise<EngineSnapshot>>();
  engine.request_snapshot(
      [promise](EngineSnapshot snapshot) { promise->set_value(std::move(snapshot)); });
  return promise->get_future().get();
}

TEST(ReadSnapshot, AnEngineShowsItsStepsAndIsFreeAfterwards) {
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
  EXPECT_EQ(snapshot_of(*engine).n_steps, 0u);        // also while it sleeps
  Request request = greedy(random_prompt(70, 1), 5);  // two chunks, four more tokens
  request.name = "seen";
  const auto stream = engine->submit(request);
  const EngineSnapshot early = snapshot_of(*engine);
  ASSERT_EQ(early.lanes.size() + early.waiting.size(), early.n_steps < 6 ? 1u : 0u);
  read_all(*stream);
  const EngineSnapshot after = snapshot_of(*engine);
  EXPECT_EQ(after.n_steps, 6u);
  ASSERT_EQ(after.recent.size(), 6u);
  std::int32_t n_prefill = 0, n_decode = 0;
  for (const StepCounts& step : after.recent)
    n_prefill += step.n_prefill, n_decode += step.n_decode;
  EXPECT_EQ(after.recent.front().n_prefill, 64);
  EXPECT_EQ(n_prefill, 70);
  EXPECT_EQ(n_decode, 4);
  EXPECT_TRUE(after.lanes.empty());
  EXPECT_EQ(after.n_free, 64);
  EXPECT_EQ(after.n_cached, 4);  // 74 positions in blocks of 16
  const auto counts = engine->metrics().step_tokens.counts();
  EXPECT_EQ(counts[0], 4u);  // of one token
  EXPECT_EQ(counts[1], 1u);  // of six
  EXPECT_EQ(counts[4], 1u);  // of 64: bounds are inclusive
  EXPECT_EQ(engine->metrics().step_tokens.sum(), 74);
  EXPECT_GT(engine->metrics().step_seconds.sum(), 0);
}

TEST(StepHistory, HistoryKeepsTheLastSteps) {
  StepHistory history;
  EXPECT_TRUE(history.oldest_first().empty());
  for (std::uint64_t i = 1; i <= 300; ++i) history.add({.step_id = i});
  const std::vector<StepCounts> kept = history.oldest_first();
  ASSERT_EQ(kept.size(), 120u);
  EXPECT_EQ(kept.front().step_id, 181u);
  EXPECT_EQ(kept.back().step_id, 300u);
}

}  // namespace
}  // namespace tinyllm
