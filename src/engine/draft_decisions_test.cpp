// When a draft model is asked, what it is charged for, and who waits for whom in one of its steps: a
// ModelDrafter alone, and texts that are made up.

#include <gtest/gtest.h>

#include <numeric>

#include "base/temporary_folder.h"
#include "engine/changed_model_test.h"
#include "engine/drafting_engine_test.h"
#include "engine/model_drafter.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kMostDrafts = 16;

class DraftDecisions : public testing::Test {
 protected:
  // `cost`: of a step of it, in steps of the other model. That one is never measured, so that the
  // estimate holds: a row more costs a quarter of a step.
  void open(double cost, bool always = false, const std::string& model = "qwen2-bf16-tied") {
    drafter_.reset();
    draft_ = tiny_draft_model(model, pool_, limits_.max_model_len);
    params_.temperature = 0;
    drafter_ = std::make_unique<ModelDrafter>(
        *draft_, limits_, kv_, cost,
        [this](const Sequence& sequence, std::span<const TokenId>, std::size_t) {
          return RowSettings{.params = &params_,
                             .prompt_ids = sequence.prompt_ids(),
                             .output_ids = sequence.output_ids()};
        },
        always);
  }

  static Sequence text(SequenceId id, std::int64_t n_prompt, BlockId first_block) {
    Sequence sequence;
    sequence.id = id;
    sequence.row_slot = static_cast<std::int32_t>(id) - 1;
    sequence.token_ids = random_prompt(n_prompt, static_cast<unsigned>(first_block));
    sequence.n_prompt = n_prompt;
    sequence.max_total_tokens = 512;
    sequence.blocks.block_ids.resize(32);
    std::iota(sequence.blocks.block_ids.begin(), sequence.blocks.block_ids.end(), first_block);
    return sequence;
  }

  std::vector<std::vector<Draft>> ask(std::vector<const Sequence*> sequences,
                                      std::optional<TokenId> forced = {}) {
    std::vector<std::vector<Draft>> drafts(sequences.size());
    std::vector<DraftWish> wishes;
    for (std::size_t i = 0; i < sequences.size(); ++i)
      wishes.push_back({sequences[i], kMostDrafts, &drafts[i]});
    drafter_->propose_all({wishes, std::ssize(wishes), cost_,
                           [&](const Sequence&, std::int64_t, std::vector<Draft>& so_far) {
                             if (forced && so_far.empty()) so_far.push_back({*forced, 1.0f});
                           }});
    return drafts;
  }
  std::int64_t n_drafts(const Sequence& sequence) { return std::ssize(ask({&sequence}).front()); }

  StepLimits limits_{.max_num_seqs = 4, .max_num_batched_tokens = 64, .max_model_len = 512};
  KvSpec kv_{.type = KvType::f32, .block_size = 16, .n_blocks = 128};
  ThreadPool pool_{2};
  SamplingParams params_;
  StepCost cost_;
  std::unique_ptr<DraftModel> draft_;
  std::unique_ptr<ModelDrafter> drafter_;
};

TEST_F(DraftDecisions, OnlyAModelThatIsCheapEnoughIsAsked) {
  open(1.0);
  for (SequenceId id = 1; id <= 4; ++id) EXPECT_EQ(n_drafts(text(id, 4, 0)), 0);
  open(0.1);
  EXPECT_GT(n_drafts(text(1, 4, 0)), 1);
}

// Wrong drafts are stopped by what they have cost, right ones go on.
TEST_F(DraftDecisions, ATextLosesALittleAtMost) {
  for (const bool are_right : {false, true}) {
    SCOPED_TRACE(are_right);
    open(0.1);
    Sequence sequence = text(1, 4, 0);
    std::int64_t n_all = 0, n_rounds = 0;
    for (; sequence.n_known() < 200; ++n_rounds) {
      const std::vector<Draft> drafts = ask({&sequence}).front();
      n_all += std::ssize(drafts);
      if (!are_right)
        sequence.token_ids.push_back(drafts.empty() ? 7 : (drafts[0].token_id + 1) % 67);
      if (!are_right) continue;
      for (const Draft& draft : drafts) sequence.token_ids.push_back(draft.token_id);
      sequence.token_ids.push_back(7);
    }
    if (are_right) {
      EXPECT_GT(n_all, n_rounds);
    } else {
      // Half a step and 0.5 % of 200, of a quarter of a step each at least, and the round that is over.
      EXPECT_GT(n_all, 0);
      EXPECT_LE(n_all, 6 + kMostDrafts);
    }
  }
}

// What the reading of a prompt took has to be earned before another is read.
TEST_F(DraftDecisions, ReadingAPromptIsCharged) {
  open(0.3);
  Sequence sequence = text(1, 250, 0);
  const std::vector<Draft> drafts = ask({&sequence}).front();
  EXPECT_GT(drafts.size(), 0u);
  for (const Draft& draft : drafts) sequence.token_ids.push_back(draft.token_id);
  sequence.token_ids.push_back(7);
  EXPECT_GT(n_drafts(sequence), 0);  // it is lent for the length of an answer
  sequence.token_ids.push_back(7);
  ++sequence.epoch;  // preempted: its rows lie elsewhere now, and all would have to be read again
  std::iota(sequence.blocks.block_ids.begin(), sequence.blocks.block_ids.end(), 64);
  EXPECT_EQ(n_drafts(sequence), 0);
  EXPECT_GT(n_drafts(text(2, 250, 32)), 0);  // another text may be read
}

TEST_F(DraftDecisions, ALongPromptLeavesTokensToThoseBehindIt) {
  open(0.1, true);
  const Sequence before = text(1, 300, 0), behind = text(2, 8, 32), last = text(3, 20, 64);
  const auto drafts = ask({&before, &behind, &last});
  EXPECT_EQ(drafts[0].size(), 0u);  // it is not yet read to its end
  EXPECT_EQ(drafts[1].size(), static_cast<std::size_t>(kMostDrafts));
  EXPECT_EQ(drafts[2].size(), 0u);
  EXPECT_EQ(n_drafts(before), kMostDrafts);
  EXPECT_EQ(n_drafts(last), kMostDrafts);
}

// Two texts of one prompt in the same blocks: one writes the rows, the other finds them.
TEST_F(DraftDecisions, SharedRowsAreWrittenOnce) {
  open(0.1, true);
  Sequence first = text(1, 40, 0), second = text(2, 40, 0);
  for (std::size_t i = 2; i < 32; ++i) second.blocks.block_ids[i] += 32;
  auto drafts = ask({&first, &second});
  EXPECT_EQ(drafts[0].size(), static_cast<std::size_t>(kMostDrafts));
  EXPECT_EQ(drafts[1].size(), 0u);
  drafts = ask({&first, &second});
  ASSERT_EQ(drafts[1].size(), static_cast<std::size_t>(kMostDrafts));
  for (std::size_t i = 0; i < drafts[1].size(); ++i)
    EXPECT_EQ(drafts[0][i].token_id, drafts[1][i].token_id) << i;
}

TEST_F(DraftDecisions, AForcedTokenThatItDoesNotKnowIsTheLast) {
  const TemporaryFolder folder;
  open(0.1, true, write_changed(folder.path(), "qwen2-bf16-tied", 40));
  Sequence sequence = text(1, 10, 0);
  for (TokenId& id : sequence.token_ids) id %= 40;
  EXPECT_EQ(ask({&sequence}, 39).front().size(), static_cast<std::size_t>(kMostDrafts));
  const std::vector<Draft> drafts = ask({&sequence}, 50).front();
  ASSERT_EQ(drafts.size(), 1u);
  EXPECT_EQ(drafts[0].token_id, 50);
}

TEST_F(DraftDecisions, ADamagedModelIsAskedOnce) {
  const TemporaryFolder folder;
  open(0.1, true, write_changed(folder.path(), "qwen2-bf16-tied", 67, true));
  testing::internal::CaptureStderr();
  for (SequenceId id = 1; id <= 3; ++id) EXPECT_EQ(n_drafts(text(id, 10, 0)), 0);
  const std::string said = testing::internal::GetCapturedStderr();
  const std::string part = "its logits are not finite";
  EXPECT_NE(said.find(part), std::string::npos) << said;
  EXPECT_EQ(said.find(part), said.rfind(part)) << said;
}

}  // namespace
}  // namespace tinyllm
