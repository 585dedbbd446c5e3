#include "schedule/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "schedule/fake_backend_test.h"

namespace tinyllm {
namespace {

struct Sizes {
  SchedulerOptions options;
  KvBlocksOptions blocks;
};

Sizes small_sizes() {
  Sizes sizes;
  sizes.options.limits.max_num_seqs = 4;
  sizes.options.limits.max_num_batched_tokens = 8;
  sizes.options.limits.max_model_len = 64;
  sizes.blocks.kv.n_blocks = 16;
  sizes.blocks.kv.block_size = 4;
  return sizes;
}

void step(Scheduler& scheduler, FakeBackend& backend) {
  scheduler.commit(backend.run(scheduler.plan()).rows);
  scheduler.check_invariants();
}

TEST(Scheduler, ALongPromptSharesItsStepsWithDecodes) {
  const Sizes sizes = small_sizes();
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> shorter = {1, 2, 3}, longer(20, 4);
  scheduler.submit({.id = 1, .prompt_ids = shorter, .max_tokens = 30});
  step(scheduler, backend);
  scheduler.submit({.id = 2, .prompt_ids = longer, .max_tokens = 4});
  const StepPlan& plan = scheduler.plan();
  ASSERT_EQ(plan.rows.size(), 2u);
  EXPECT_EQ(plan.rows[0].n_new_tokens, 1);  // the decode goes first
  EXPECT_EQ(plan.rows[1].n_new_tokens, 7);  // the chunk fills the budget
  EXPECT_EQ(plan.rows[1].n_draws, 0);
  EXPECT_EQ(plan.n_tokens, 8);
}

TEST(Scheduler, AnOlderLongPromptLeavesRoomForDecodesBehindIt) {
  Sizes sizes = small_sizes();
  sizes.options.limits.max_model_len = 100;
  sizes.blocks.kv.n_blocks = 64;
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> shorter = {1}, longer(60, 4);
  scheduler.submit({.id = 1, .prompt_ids = longer, .max_tokens = 4});
  scheduler.submit({.id = 2, .prompt_ids = shorter, .max_tokens = 4});
  for (int i = 0; i < 8; ++i) step(scheduler, backend);  // the last chunk of 1 admits 2
  ASSERT_NE(scheduler.find(2), nullptr);
  EXPECT_EQ(scheduler.find(2)->status, SequenceStatus::running);
}

TEST(Scheduler, EqualPrefixesShareBlocks) {
  const Sizes sizes = small_sizes();
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt = {1, 2, 3, 4, 5, 6, 7, 8};
  for (const SequenceId id : {1, 2}) {
    scheduler.submit({.id = id, .prompt_ids = prompt, .max_tokens = 2});
    while (!scheduler.idle()) step(scheduler, backend);
  }
  std::vector<std::int64_t> cached;
  scheduler.take_finished([&](const Sequence& s) { cached.push_back(s.n_cached_tokens); });
  EXPECT_EQ(cached, (std::vector<std::int64_t>{0, 4}));  // 8 would leave no token to compute
}

TEST(Scheduler, FollowersWaitForTheirLeadersPrompt) {
  const Sizes sizes = small_sizes();
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt(14, 3);
  scheduler.submit({.id = 1, .prompt_ids = prompt, .max_tokens = 5});
  scheduler.submit({.id = 2, .prompt_ids = prompt, .max_tokens = 5, .leader = 1});
  while (!scheduler.idle()) step(scheduler, backend);
  scheduler.take_finished([&](const Sequence& s) {
    EXPECT_EQ(s.n_cached_tokens, s.id == 1 ? 0 : 12);
    EXPECT_EQ(s.token_ids, lone_run(prompt, 19));
  });
}

TEST(Scheduler, WhatCanNeverFitIsRefusedWithTheNumbers) {
  const Sizes sizes = small_sizes();
  Scheduler scheduler(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt(64, 1);
  try {
    scheduler.submit({.id = 1, .prompt_ids = prompt, .max_tokens = 1});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::context_overflow);
    EXPECT_STREQ(
        error.what(),
        "the prompt has 64 tokens, the context holds 64 and one must be left for the answer; "
        "shorten it or raise --context");
  }
  EXPECT_TRUE(scheduler.idle());
}

// Sinks take 1 block, a window of 8 at most 3, the tokens of a step at most 3.
TEST(Scheduler, BlocksThatNobodySeesAnyMoreAreGivenBack) {
  Sizes sizes = small_sizes();
  sizes.options.limits.max_model_len = 400;
  sizes.blocks.window = 8;
  sizes.blocks.sinks = 3;
  for (const std::int32_t n_blocks : {128, 7}) {
    sizes.blocks.kv.n_blocks = n_blocks;
    Scheduler scheduler(sizes.options, sizes.blocks);
    FakeBackend backend(sizes.options, sizes.blocks);
    const std::vector<TokenId> prompt(100, 4);
    scheduler.submit({.id = 1, .prompt_ids = prompt, .max_tokens = 300});
    std::int32_t most_of_prompt = 0, most_of_answer = 0;
    while (scheduler.find(1) != nullptr) {
      const StepPlan& plan = scheduler.plan();
      std::int32_t& most = plan.n_tokens > 1 ? most_of_prompt : most_of_answer;
      most = std::max(most, n_blocks - scheduler.blocks().n_free());
      scheduler.commit(backend.run(plan).rows);
      scheduler.check_invariants();
    }
    EXPECT_EQ(most_of_prompt, 5);
    EXPECT_EQ(most_of_answer, 4);
    scheduler.take_finished([&](const Sequence& sequence) {
      EXPECT_EQ(sequence.token_ids, lone_run(prompt, 400));
      EXPECT_EQ(sequence.n_preemptions, 0);
    });
    EXPECT_EQ(scheduler.blocks().n_free(), n_blocks);
  }
  sizes.blocks.kv.n_blocks = 6;  // too few for a window and a step: a text must fit as a whole
  EXPECT_EQ(Scheduler(sizes.options, sizes.blocks).longest_text(), 24);
}

// Of 16 blocks 8 stay free while another text runs.
TEST(Scheduler, APromptWithAWindowLeavesTheWatermarkFree) {
  Sizes sizes = small_sizes();
  sizes.options.watermark_blocks = 8;
  sizes.options.limits.max_model_len = 200;
  sizes.blocks.window = 8;
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> shorter = {1, 2}, longer(60, 4);
  scheduler.submit({.id = 1, .prompt_ids = shorter, .max_tokens = 40});
  step(scheduler, backend);
  scheduler.submit({.id = 2, .prompt_ids = longer, .max_tokens = 10});
  while (scheduler.find(1) != nullptr) {
    const StepPlan& plan = scheduler.plan();
    EXPECT_GE(scheduler.blocks().n_free(), 8);
    scheduler.commit(backend.run(plan).rows);
  }
  EXPECT_EQ(scheduler.find(2), nullptr);
  EXPECT_EQ(scheduler.n_preemptions(), 0u);
}

std::vector<std::int64_t> cached_tokens(const Sizes& sizes,
                                        const std::vector<std::vector<TokenId>>& prompts) {
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  std::vector<std::int64_t> cached;
  for (const std::vector<TokenId>& prompt : prompts) {
    scheduler.submit({.id = 1, .prompt_ids = prompt, .max_tokens = 2});
    while (!scheduler.idle()) step(scheduler, backend);
    scheduler.take_finished([&](const Sequence& s) { cached.push_back(s.n_cached_tokens); });
  }
  return cached;
}

Sizes sizes_with_window(std::int32_t n_blocks) {
  Sizes sizes = small_sizes();
  sizes.options.limits = {.max_num_seqs = 1, .max_num_batched_tokens = 512, .max_model_len = 4096};
  sizes.blocks.kv = {.block_size = 16, .n_blocks = n_blocks};
  sizes.blocks.window = 16;
  sizes.blocks.sinks = 4;
  return sizes;
}

TEST(Scheduler, ALongTextLeavesTheWindowsOfOthersInTheCache) {
  const std::vector<TokenId> text(300, 1), longer(3000, 2);
  EXPECT_EQ(cached_tokens(sizes_with_window(60), {text, text, longer, text}),
            (std::vector<std::int64_t>{0, 288, 0, 288}));
}

TEST(Scheduler, ATextOfAnyLengthGoesOnWhereItStood) {
  Sizes sizes = sizes_with_window(6);
  sizes.options.limits.max_num_batched_tokens = 32;
  const std::vector<TokenId> text(4000, 1);  // 250 blocks, more than 8 x 6
  EXPECT_EQ(cached_tokens(sizes, {text, text}), (std::vector<std::int64_t>{0, 3984}));
}

TEST(Scheduler, PriorityGoesFirst) {
  Sizes sizes = small_sizes();
  sizes.options.policy = SchedulePolicy::priority;
  sizes.options.limits.max_num_seqs = 1;
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt = {1, 2};
  for (const std::int32_t priority : {5, 1, 3}) {
    scheduler.submit({.id = static_cast<SequenceId>(priority),
                      .prompt_ids = prompt,
                      .max_tokens = 2,
                      .priority = priority});
  }
  while (!scheduler.idle()) step(scheduler, backend);
  std::vector<SequenceId> order;
  scheduler.take_finished([&](const Sequence& s) { order.push_back(s.id); });
  EXPECT_EQ(order, (std::vector<SequenceId>{1, 3, 5}));
}

TEST(Scheduler, PromptLogitsAreAskedForOnceAndReadNoCache) {
  const Sizes sizes = small_sizes();
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt(10, 2);
  for (const SequenceId id : {1, 2}) {
    scheduler.submit(
        {.id = id, .prompt_ids = prompt, .max_tokens = 3, .wants_prompt_logits = id == 2});
    std::vector<std::int32_t> n_logits;
    while (!scheduler.idle()) {
      const StepPlan& plan = scheduler.plan();
      n_logits.push_back(plan.rows[0].n_logits);
      scheduler.commit(backend.run(plan).rows);
    }
    EXPECT_EQ(n_logits, id == 1 ? (std::vector<std::int32_t>{0, 1, 1, 1})
                                : (std::vector<std::int32_t>{8, 2, 1, 1}));
  }
}

// More urgent work than the machine can do, for ever: a request of the lowest priority, or one that
// takes most of the pool, still ends.
TEST(Scheduler, NobodyStarves) {
  for (const SchedulePolicy policy :
       {SchedulePolicy::first_come_first_served, SchedulePolicy::priority}) {
    Sizes sizes = small_sizes();
    sizes.options.policy = policy;
    sizes.options.watermark_blocks = 1;
    Scheduler scheduler(sizes.options, sizes.blocks);
    FakeBackend backend(sizes.options, sizes.blocks);
    const std::vector<TokenId> shorter(6, 1), longer(40, 2);
    SequenceId id = 1;
    const auto arrive = [&] {
      scheduler.submit({.id = ++id, .prompt_ids = shorter, .max_tokens = 4});
    };
    for (int i = 0; i < 20; ++i) arrive();
    scheduler.submit({.id = 1, .prompt_ids = longer, .max_tokens = 20, .priority = 2});
    std::int64_t n_steps = 0;
    for (; scheduler.find(1) != nullptr; ++n_steps) {
      arrive();  // two a step: 4 rows of 4 decodes end at most one
      arrive();
      step(scheduler, backend);
      scheduler.take_finished([](const Sequence&) {});
      ASSERT_LT(n_steps, 5000);
    }
    EXPECT_GT(scheduler.n_waiting(), 4);  // the others never ran dry
    // First come, first served: after the 20 before it. By priority: after the 2 x 1000 that two
    // levels let pass. A short one takes a row of four for 4 steps and a prompt step.
    const std::int64_t n_before_it = policy == SchedulePolicy::priority ? 2020 : 20;
    EXPECT_LE(n_steps, n_before_it * 5 / 4 * 2 + 100);
    if (policy == SchedulePolicy::priority) {
      EXPECT_GT(n_steps, 1000);  // urgent ones did pass
    }
  }
}

TEST(Scheduler, DraftsAreJudgedAndCounted) {
  const Sizes sizes = small_sizes();
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt = {1, 2, 3};
  const std::vector<TokenId> text = lone_run(prompt, 20);
  scheduler.submit({.id = 1, .prompt_ids = prompt, .max_tokens = 17});
  step(scheduler, backend);
  // Three drafts, of which the first n_right are what the model says.
  for (const std::int64_t n_right : {0, 1, 3}) {
    const std::int64_t n_before = scheduler.find(1)->n_known();
    std::vector<TokenId> drafts;
    const StepPlan& plan = scheduler.plan([&](const Sequence& sequence, std::int64_t n_most) {
      EXPECT_EQ(n_most, std::min<std::int64_t>(7, 20 - sequence.n_known() - 1));
      for (std::int64_t i = 0; i < 3; ++i)
        drafts.push_back(text[static_cast<std::size_t>(n_before + i)] + (i < n_right ? 0 : 5));
      return std::span<const TokenId>(drafts);
    });
    ASSERT_EQ(plan.rows.size(), 1u);
    EXPECT_EQ(plan.rows[0].n_draws, 4);
    EXPECT_EQ(plan.rows[0].n_new_tokens, 4);
    const StepResults results = backend.run(plan);
    scheduler.commit(results.rows);
    scheduler.check_invariants();
    EXPECT_EQ(scheduler.find(1)->n_known(), n_before + n_right + 1);
    EXPECT_EQ(scheduler.find(1)->n_to_compute(), 1);
  }
  while (!scheduler.idle()) step(scheduler, backend);
  scheduler.take_finished([&](const Sequence& s) { EXPECT_EQ(s.token_ids, text); });
}

TEST(Scheduler, ADraftTakesNoBlockThatAnotherMayNeed) {
  Sizes sizes = small_sizes();
  sizes.blocks.kv.n_blocks = 4;
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt = {1, 2, 3};
  scheduler.submit({.id = 1, .prompt_ids = prompt, .max_tokens = 5});
  scheduler.submit({.id = 2, .prompt_ids = prompt, .max_tokens = 5});
  step(scheduler, backend);
  const std::vector<TokenId> drafts = {1, 1, 1};
  const StepPlan& plan =
      scheduler.plan([&](const Sequence&, std::int64_t) { return std::span(drafts); });
  ASSERT_EQ(plan.rows.size(), 2u);
  for (const PlanRow& row : plan.rows) EXPECT_EQ(row.n_draws, 1);  // 2 blocks are free, 2 run
}

TEST(Scheduler, WaitsForItsTokenWhenAsked) {
  Sizes sizes = small_sizes();
  sizes.options.lag = 1;
  Scheduler scheduler(sizes.options, sizes.blocks);
  FakeBackend backend(sizes.options, sizes.blocks);
  const std::vector<TokenId> prompt = {1, 2, 3};
  for (const SequenceId id : {1, 2})
    scheduler.submit({.id = id, .prompt_ids = prompt, .max_tokens = 5, .waits_for_token = id == 1});
  const StepResults first = backend.run(scheduler.plan());
  const StepPlan& plan = scheduler.plan();
  ASSERT_EQ(plan.rows.size(), 1u);
  EXPECT_EQ(plan.rows[0].sequence_id, 2u);
  EXPECT_TRUE(plan.rows[0].last_sampled);
  const StepResults second = backend.run(plan);
  scheduler.commit(first.rows);
  EXPECT_EQ(scheduler.plan().rows.size(), 2u);
}

// After a restart many ask for the same stored text: one of them loads it, the others share it.
TEST(Scheduler, BlocksOnTheirWayAreWaitedFor) {
  const Sizes sizes = small_sizes();
  Scheduler scheduler(sizes.options, sizes.blocks);
  const std::vector<TokenId> text = {1, 2, 3, 4, 5, 6, 7, 8, 9},
                             other = {1, 2, 3, 5, 5, 6, 7, 8, 9};
  std::vector<SequenceId> asked;
  const auto plan = [&]() -> const StepPlan& {
    return scheduler.plan([](const Sequence&, std::int64_t) { return std::span<const TokenId>(); },
                          [&](const Sequence& sequence) {
                            asked.push_back(sequence.id);
                            return sequence.n_computed == 0 && sequence.id != 4 ? std::int64_t{8}
                                                                                : 0;
                          });
  };
  for (SequenceId id = 1; id <= 3; ++id)
    scheduler.submit({.id = id, .prompt_ids = text, .max_tokens = 2});
  scheduler.submit({.id = 4, .prompt_ids = other, .max_tokens = 2});
  EXPECT_EQ(plan().n_tokens, 8);  // 4 has nothing to wait for
  EXPECT_EQ(asked, (std::vector<SequenceId>{1, 4}));
  EXPECT_EQ(scheduler.n_waiting(), 2);
  scheduler.commit(std::vector<RowResult>{{.sequence_id = 4}});
  scheduler.loaded(1, 4);
  EXPECT_EQ(plan().n_tokens, 1);
  EXPECT_EQ(scheduler.n_waiting(), 2);  // one block of two
  scheduler.commit(
      std::vector<RowResult>{{.sequence_id = 4, .token_ids = std::span(text).first(1)}});
  scheduler.loaded(1, 4);
  EXPECT_EQ(plan().rows.size(), 4u);
  for (const SequenceId id : {2u, 3u}) {
    EXPECT_EQ(scheduler.find(id)->n_cached_tokens, 8);
    EXPECT_EQ(scheduler.find(id)->blocks.block_ids[0], scheduler.find(1)->blocks.block_ids[0]);
  }
  scheduler.check_invariants();
}

}  // namespace
}  // namespace tinyllm
