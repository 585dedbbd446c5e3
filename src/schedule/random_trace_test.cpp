// Random traces through the scheduler.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>

#include "schedule/fake_backend_test.h"
#include "schedule/scheduler.h"

namespace tinyllm {
namespace {

// Random arrivals, ends and cancels in pools that are too small, with drafts in every other trace,
// and in every third with blocks that come from elsewhere, one after the other, or not at all:
// every text equals its lone run, the oldest never starves, and nothing is left behind. With a window
// blocks are given back, and in some traces texts are longer than the pool.
class RandomTrace {
 public:
  RandomTrace(unsigned seed, std::int32_t lag, std::int32_t block_size, SchedulePolicy policy,
              std::int64_t window)
      : seed_(seed), lag_(lag), random_(seed) {
    options_ = {.limits = {.max_num_seqs = static_cast<std::int32_t>(1 + below(8)),
                           .max_num_batched_tokens = static_cast<std::int32_t>(8 + below(40)),
                           .max_model_len = kContext},
                .lag = lag,
                .policy = policy,
                .watermark_blocks = static_cast<std::int32_t>(below(3))};
    // With a window: sinks, window, the new tokens of two steps, and what lies across blocks.
    std::int32_t n_least = kContext / block_size + 1;
    if (window > 0 && below(2) == 0) {
      const auto blocks_for = [&](std::int64_t n) { return (n + block_size - 1) / block_size; };
      n_least = static_cast<std::int32_t>(
          blocks_for(10) + blocks_for(window) +
          blocks_for((lag + 1) * options_.limits.max_num_batched_tokens) + 2);
    }
    blocks_ = {.kv = {.block_size = block_size,
                      .n_blocks = n_least + static_cast<std::int32_t>(below(n_least))},
               .prefix_cache = below(4) != 0,
               .secret = seed,
               .window = window,
               .sinks = window > 0 ? below(10) : 0};
    scheduler_.emplace(options_, blocks_);
    backend_.emplace(options_, blocks_);
  }

  void run(std::int64_t n_operations) {
    for (std::int64_t operation = 0; operation < n_operations || !scheduler_->idle(); ++operation) {
      const std::int64_t choice = operation < n_operations ? below(10) : 9;
      if (choice < 3 && wanted_.size() < 20) {
        arrive();
      } else if (choice == 3 && !wanted_.empty()) {
        cancel_one();
      } else if (choice < 7 && !loads_.empty()) {
        arrive_block();
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
    if (blocks_.prefix_cache && blocks_.kv.block_size <= 16) {
      EXPECT_EQ(n_loaded_ > 0, seed_ % 3 == 0);
    }
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
    const StepPlan& plan = scheduler_->plan(
        [this](const Sequence& sequence, std::int64_t n_most) { return propose(sequence, n_most); },
        [this](const Sequence& sequence) { return fetch(sequence); });
    if (!plan.rows.empty()) {
      ASSERT_LE(plan.n_tokens, options_.limits.max_num_batched_tokens);
      uncommitted_.push_back(backend_->run(plan));
    } else if (!uncommitted_.empty()) {
      commit_oldest();
    } else if (!loads_.empty()) {
      arrive_block();
    }
    ASSERT_LT(++n_steps_without_end_, 2000) << "nothing ends: starvation, seed " << seed_;
  }

  struct Load {
    SequenceId id;
    std::uint32_t epoch;
    std::int64_t n_left;  // blocks
  };
  using Text = std::vector<TokenId>;

  Text text_up_to(const Sequence& sequence, std::int64_t n_blocks) const {
    return {sequence.token_ids.begin(),
            sequence.token_ids.begin() + n_blocks * blocks_.kv.block_size};
  }

  std::int64_t fetch(const Sequence& sequence) {
    const std::int64_t size = blocks_.kv.block_size;
    if (seed_ % 3 != 0) return 0;
    std::int64_t n = 0;
    const std::int64_t first = sequence.n_computed / size;
    while ((first + n + 1) * size < sequence.n_known() &&
           stored_.contains(text_up_to(sequence, first + n + 1)) && below(20) != 0)
      ++n;
    if (n > 0) loads_.push_back({sequence.id, sequence.epoch, n});
    return n * size;
  }

  void arrive_block() {
    Load& load = loads_.front();
    const Sequence* sequence = scheduler_->find(load.id);
    if (sequence == nullptr || sequence->epoch != load.epoch) return loads_.pop_front();
    if (below(10) == 0) {  // it does not come
      scheduler_->end_loading(load.id);
      return loads_.pop_front();
    }
    const std::int64_t i = sequence->n_computed / blocks_.kv.block_size;
    backend_->write_block(sequence->blocks.block_ids[static_cast<std::size_t>(i)],
                          stored_.at(text_up_to(*sequence, i + 1)));
    scheduler_->loaded(load.id, blocks_.kv.block_size);
    ++n_loaded_;
    if (--load.n_left == 0) loads_.pop_front();
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
    scheduler_->commit(results.rows, [this](const Sequence& sequence, std::int32_t i) {
      stored_[text_up_to(sequence, i + 1)] =
          backend_->read_block(sequence.blocks.block_ids[static_cast<std::size_t>(i)]);
    });
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
  SchedulerOptions options_;
  KvBlocksOptions blocks_;
  std::optional<Scheduler> scheduler_;
  std::optional<FakeBackend> backend_;
  std::map<SequenceId, Wanted> wanted_;
  std::deque<StepResults> uncommitted_;
  std::map<Text, std::vector<FakeRow>> stored_;  // by the text up to the block's end
  std::deque<Load> loads_;
  std::vector<TokenId> drafts_;
  SequenceId next_id_ = 1;
  std::int64_t n_finished_ = 0, n_steps_without_end_ = 0, n_accepted_ = 0, n_loaded_ = 0;
};

TEST(Scheduler, RandomTracesGiveTheTextOfALoneRun) {
  std::int64_t n_operations = 0;
  for (const std::int32_t lag : {0, 1}) {
    for (const std::int32_t block_size : {1, 16, 32, 64}) {
      for (const SchedulePolicy policy :
           {SchedulePolicy::first_come_first_served, SchedulePolicy::priority}) {
        for (unsigned seed = 1; seed <= 8; ++seed) {
          for (const std::int64_t window : {0, 20}) {
            RandomTrace(seed, lag, block_size, policy, window).run(1000);
            n_operations += 1000;
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
  RecordProperty("operations", static_cast<int>(n_operations));
}

}  // namespace
}  // namespace tinyllm
