#include "schedule/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>

#include "base/error.h"

namespace tinyllm {
namespace {

// A model whose state at a position is a hash of all tokens up to it,
// and whose next token is that hash. Its K/V "rows" are these hashes,
// so a wrong block, a wrong order or a stale row is seen at once.
std::uint64_t extend(std::uint64_t state, TokenId token) {
  return (state ^ (static_cast<std::uint64_t>(token) + 0x9E3779B97F4A7C15ull)) *
         0xD6E8FEB86659FD93ull;
}
TokenId next_token(std::uint64_t state) { return static_cast<TokenId>((state >> 40) % 5); }

std::vector<TokenId> lone_run(std::vector<TokenId> tokens, std::int64_t n_total) {
  std::uint64_t state = 0;
  for (const TokenId token : tokens) state = extend(state, token);
  while (static_cast<std::int64_t>(tokens.size()) < n_total) {
    tokens.push_back(next_token(state));
    state = extend(state, tokens.back());
  }
  return tokens;
}

// The results of one step, with the tokens that they look at.
struct StepResults {
  std::vector<TokenId> tokens;
  std::vector<RowResult> rows;
};

// Runs plans as a backend would: in order, with K/V rows in blocks and the last drawn token in row
// slots. Drafts are judged as a device does it: a row of a wrong draft draws nothing that counts.
class FakeBackend {
 public:
  FakeBackend(const SchedulerOptions& options, const KvBlocksOptions& blocks)
      : block_size_(blocks.kv.block_size),
        rows_(static_cast<std::size_t>(blocks.kv.n_tokens()), 0),
        last_drawn_(static_cast<std::size_t>(options.limits.max_num_seqs), -1) {}

  StepResults run(const StepPlan& plan) {
    StepResults results;
    results.tokens.reserve(static_cast<std::size_t>(plan.n_tokens));
    for (const PlanRow& row : plan.rows) {
      const std::size_t first = results.tokens.size();
      const auto slot = static_cast<std::size_t>(row.row_slot);
      std::uint64_t state = row.start == 0 ? 0 : rows_[place(row, row.start - 1)];
      bool accepted = true;
      for (std::int32_t i = 0; i < row.n_new_tokens; ++i) {
        const TokenId token =
            row.last_sampled ? last_drawn_[slot] : row.token_ids[static_cast<std::size_t>(i)];
        if (results.tokens.size() > first) accepted = accepted && results.tokens.back() == token;
        state = extend(state, token);
        rows_[place(row, row.start + i)] = state;
        if (i < row.n_new_tokens - row.n_draws || !accepted) continue;
        results.tokens.push_back(last_drawn_[slot] = next_token(state));
      }
      results.rows.push_back({row.sequence_id, std::span(results.tokens).subspan(first)});
    }
    return results;
  }

 private:
  std::size_t place(const PlanRow& row, std::int64_t position) const {
    const BlockId block = row.block_table[static_cast<std::size_t>(position / block_size_)];
    return static_cast<std::size_t>(block * block_size_ + position % block_size_);
  }

  std::int32_t block_size_;
  std::vector<std::uint64_t> rows_;
  std::vector<TokenId> last_drawn_;
};

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

// Random arrivals, ends and cancels in pools that are too small, with drafts in every other trace:
// every text equals its lone run, the oldest never starves, and nothing is left behind.
class RandomTrace {
 public:
  RandomTrace(unsigned seed, std::int32_t lag, std::int32_t block_size, SchedulePolicy policy)
      : seed_(seed), lag_(lag), random_(seed) {
    sizes_.options = {.limits = {.max_num_seqs = static_cast<std::int32_t>(1 + below(8)),
                                 .max_num_batched_tokens = static_cast<std::int32_t>(8 + below(40)),
                                 .max_model_len = kContext},
                      .lag = lag,
                      .policy = policy,
                      .watermark_blocks = static_cast<std::int32_t>(below(3))};
    const std::int32_t n_least = kContext / block_size + 1;
    sizes_.blocks = {.kv = {.block_size = block_size,
                            .n_blocks = n_least + static_cast<std::int32_t>(below(n_least))},
                     .prefix_cache = below(4) != 0,
                     .secret = seed};
    scheduler_.emplace(sizes_.options, sizes_.blocks);
    backend_.emplace(sizes_.options, sizes_.blocks);
  }

  void run(std::int64_t n_operations) {
    for (std::int64_t operation = 0; operation < n_operations || !scheduler_->idle(); ++operation) {
      const std::int64_t choice = operation < n_operations ? below(10) : 9;
      if (choice < 3 && wanted_.size() < 20) {
        arrive();
      } else if (choice == 3 && !wanted_.empty()) {
        cancel_one();
      } else {
        step();
      }
      scheduler_->check_invariants();
      check_finished();
      if (testing::Test::HasFatalFailure()) return;
    }
    while (!uncommitted_.empty()) commit_oldest();
    EXPECT_TRUE(wanted_.empty());
    EXPECT_GT(n_finished_, 0);
    EXPECT_EQ(n_accepted_ > 0, drafts_come());
    EXPECT_EQ(scheduler_->blocks().n_free(), scheduler_->blocks().n_blocks());
    EXPECT_EQ(scheduler_->n_running() + scheduler_->n_waiting(), 0);
  }

 private:
  static constexpr std::int32_t kContext = 96;
  struct Wanted {
    std::vector<TokenId> text;  // what the lone run gives, prompt included
    std::int64_t stop_at;       // the engine ends it at this length
    bool cancelled = false;
  };

  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool drafts_come() const { return seed_ % 2 == 0; }

  void arrive() {
    std::vector<TokenId> prompt(static_cast<std::size_t>(1 + below(60)));
    for (TokenId& token : prompt) token = below(8) == 0 ? 1 : 0;  // much is shared
    const auto n_prompt = static_cast<std::int64_t>(prompt.size());
    const std::int64_t max_tokens = 1 + below(50);
    wanted_[next_id_] = {lone_run(prompt, std::min<std::int64_t>(kContext, n_prompt + max_tokens)),
                         below(2) == 0 ? n_prompt + 1 + below(max_tokens) : 1000};
    scheduler_->submit({.id = next_id_,
                        .prompt_ids = prompt,
                        .max_tokens = max_tokens,
                        .priority = static_cast<std::int32_t>(below(3)),
                        .cache_salt = below(5) == 0 ? "salt" : "",
                        .wants_prompt_logits = below(6) == 0,
                        .leader = below(4) == 0 && next_id_ > 1 ? next_id_ - 1 : 0,
                        .waits_for_token = below(4) == 0});
    ++next_id_;
  }

  void cancel_one() {
    auto victim = wanted_.begin();
    std::advance(victim, below(std::ssize(wanted_)));
    victim->second.cancelled = true;
    scheduler_->finish(victim->first, FinishReason::cancelled);
  }

  void step() {
    while (std::ssize(uncommitted_) > lag_) commit_oldest();
    const StepPlan& plan = scheduler_->plan([this](const Sequence& sequence, std::int64_t n_most) {
      return propose(sequence, n_most);
    });
    if (!plan.rows.empty()) {
      ASSERT_LE(plan.n_tokens, sizes_.options.limits.max_num_batched_tokens);
      uncommitted_.push_back(backend_->run(plan));
    } else if (!uncommitted_.empty()) {
      commit_oldest();
    }
    ASSERT_LT(++n_steps_without_end_, 2000) << "nothing ends: starvation, seed " << seed_;
  }

  // Right three times in four.
  std::span<const TokenId> propose(const Sequence& sequence, std::int64_t n_most) {
    const std::vector<TokenId>& text = wanted_.at(sequence.id).text;
    drafts_.clear();
    for (std::int64_t i = below(6); drafts_come() && i > 0 && n_most-- >= 0; --i) {
      const std::size_t at = sequence.token_ids.size() + drafts_.size();
      drafts_.push_back(below(4) == 0 ? 7 : text[std::min(at, text.size() - 1)]);
    }
    return drafts_;
  }

  void commit_oldest() {
    StepResults results = std::move(uncommitted_.front());
    uncommitted_.pop_front();
    for (RowResult& result : results.rows) {
      const Sequence* sequence = scheduler_->find(result.sequence_id);
      if (sequence == nullptr || result.token_ids.empty()) continue;
      const std::int64_t n_left = wanted_[result.sequence_id].stop_at - sequence->n_known();
      n_accepted_ += std::ssize(result.token_ids) - 1;
      if (n_left > std::ssize(result.token_ids)) continue;
      result.token_ids = result.token_ids.first(static_cast<std::size_t>(n_left));
      result.finish = FinishReason::stop;
    }
    scheduler_->commit(results.rows);
  }

  void check_finished() {
    scheduler_->take_finished([&](const Sequence& sequence) {
      const Wanted& want = wanted_.at(sequence.id);
      const auto n = std::ssize(sequence.token_ids);
      ASSERT_LE(n, std::ssize(want.text));
      ASSERT_TRUE(
          std::equal(sequence.token_ids.begin(), sequence.token_ids.end(), want.text.begin()))
          << "sequence " << sequence.id << " seed " << seed_;
      if (!want.cancelled) {
        ASSERT_EQ(n, std::min<std::int64_t>(want.stop_at, std::ssize(want.text)));
        ASSERT_EQ(sequence.finish_reason,
                  n == want.stop_at ? FinishReason::stop : FinishReason::length);
      }
      wanted_.erase(sequence.id);
      ++n_finished_;
      n_steps_without_end_ = 0;
    });
  }

  unsigned seed_;
  std::int32_t lag_;
  std::mt19937 random_;
  Sizes sizes_;
  std::optional<Scheduler> scheduler_;
  std::optional<FakeBackend> backend_;
  std::map<SequenceId, Wanted> wanted_;
  std::deque<StepResults> uncommitted_;
  std::vector<TokenId> drafts_;
  SequenceId next_id_ = 1;
  std::int64_t n_finished_ = 0, n_steps_without_end_ = 0, n_accepted_ = 0;
};

TEST(Scheduler, RandomTracesGiveTheTextOfALoneRun) {
  std::int64_t n_operations = 0;
  for (const std::int32_t lag : {0, 1}) {
    for (const std::int32_t block_size : {1, 16, 32, 64}) {
      for (const SchedulePolicy policy :
           {SchedulePolicy::first_come_first_served, SchedulePolicy::priority}) {
        for (unsigned seed = 1; seed <= 8; ++seed) {
          RandomTrace(seed, lag, block_size, policy).run(1000);
          n_operations += 1000;
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  RecordProperty("operations", static_cast<int>(n_operations));
}

}  // namespace
}  // namespace tinyllm
