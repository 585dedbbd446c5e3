// What goes down for a plan, and what comes up for it: on a backend that answers by a script.

#include "runner/step_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <utility>

#include "model/recording_backend_test.h"
#include "model/tiny_decoder_test.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kVocab = kTinyVocab, kHidden = kTinyHidden;

// What a test keeps of a RowOutput, which is a view.
struct Taken {
  SequenceId sequence_id;
  std::vector<TokenId> token_ids;
  std::size_t n_logprobs, n_prompt_logprobs;
  std::vector<float> first_logit, first_hidden;  // of each row of them: one at most
  bool not_finite;
};

class Runner : public testing::Test {
 public:
  void start(std::int32_t lag = 0) {
    backend = std::make_unique<RecordingBackend>(lag);
    decoder = make_tiny_decoder(*backend, pool);
    runner = std::make_unique<StepRunner>(
        *decoder, *backend,
        RunnerSizes{
            .limits = {.max_num_seqs = 4, .max_num_batched_tokens = 16, .max_model_len = 16},
            .kv = {.block_size = 4},
            .vocab_size = kVocab,
            .hidden_size = kHidden});
  }

  void launch(const StepPlan& plan) {
    runner->launch(plan, [this](const PlanRow& row) { return settings.at(row.sequence_id - 1); });
  }

  std::vector<Taken> collect() {
    std::vector<Taken> taken;
    runner->collect([&](const RowOutput& output) {
      Taken& row = taken.emplace_back();
      row.sequence_id = output.sequence_id;
      row.token_ids.assign(output.token_ids.begin(), output.token_ids.end());
      row.n_logprobs = output.logprobs.size();
      row.n_prompt_logprobs = output.prompt_logprobs.size();
      if (!output.logits.empty()) row.first_logit = {output.logits[0]};
      if (!output.hidden.empty()) row.first_hidden = {output.hidden[0]};
      row.not_finite = output.not_finite;
    });
    return taken;
  }

  PlanRow decode(SequenceId id, std::vector<TokenId> tokens) {
    PlanRow row;
    row.sequence_id = id;
    row.row_slot = static_cast<std::int32_t>(id);
    row.start = 5;
    row.n_new_tokens = row.n_logits = row.n_draws = static_cast<std::int32_t>(tokens.size());
    row.token_ids = kept.emplace_back(std::move(tokens));
    row.block_table = blocks;
    return row;
  }

  std::deque<std::vector<TokenId>> kept;  // what rows look at
  SamplingParams greedy{.temperature = 0.0f, .max_tokens = 100};
  std::vector<BlockId> blocks = {7, 3, 9};
  std::vector<RowSettings> settings = std::vector<RowSettings>(4, {.params = &greedy});
  ThreadPool pool{1};
  std::unique_ptr<RecordingBackend> backend;
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<StepRunner> runner;
};

TEST_F(Runner, ABlockThatWasGivenBackIsRepresentedByTheOneBehindIt) {
  start();
  blocks = {7, ~3, 9};
  PlanRow row = decode(1, {11});
  row.start = 9;
  launch({.step_id = 1, .rows = {row}, .n_tokens = 1});
  const RecordedBatch& batch = backend->batches.front();
  EXPECT_THAT(batch.slot_mapping, ElementsAre(9 * 4 + 1));
  EXPECT_THAT(batch.blocks, ElementsAre(7, 9, 9));
}

TEST_F(Runner, TokensPositionsSlotsAndBlocks) {
  start();
  const std::vector<TokenId> chunk = {11, 12, 13};
  PlanRow first = decode(1, chunk);
  first.n_logits = first.n_draws = 0;
  first.start = 2;
  first.adapter_slot = 2;
  PlanRow second = decode(2, {0});
  second.last_sampled = true;
  second.token_ids = {};
  const std::vector<BlockId> other = {1, 2};
  second.block_table = other;
  launch({.step_id = 1, .rows = {first, second}, .n_tokens = 4});
  const RecordedBatch& batch = backend->batches.front();
  EXPECT_THAT(batch.token_ids, ElementsAre(11, 12, 13, kLastSampled));
  EXPECT_THAT(batch.positions, ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(batch.slot_mapping, ElementsAre(7 * 4 + 2, 7 * 4 + 3, 3 * 4, 2 * 4 + 1));
  EXPECT_THAT(batch.seq_starts, ElementsAre(0, 3, 4));
  EXPECT_THAT(batch.row_slots, ElementsAre(1, 2));
  EXPECT_THAT(batch.adapter_slots, ElementsAre(2, -1));
  EXPECT_THAT(batch.block_starts, ElementsAre(0, 3, 5));
  EXPECT_THAT(batch.blocks, ElementsAre(7, 3, 9, 1, 2));
  ASSERT_EQ(batch.samples.size(), 1u);
  EXPECT_EQ(batch.samples[0].token_idx, 3);
  EXPECT_EQ(batch.samples[0].row_slot, 2);
  EXPECT_EQ(batch.samples[0].position, 6u);
  EXPECT_EQ(batch.samples[0].draws, 1);
}

TEST_F(Runner, WhatASampleAsksFor) {
  start();
  const SamplingParams params = {.temperature = 0.5f,
                                 .top_k = 3,
                                 .top_p = 0.9f,
                                 .min_p = 0.1f,
                                 .seed = 42,
                                 .repetition_penalty = 1.5f,
                                 .presence_penalty = 0.25f,
                                 .frequency_penalty = 0.125f,
                                 .logit_bias = {{3, 1.0f}, {4, -1.0f}},
                                 .min_tokens = 3,
                                 .n_logprobs = 2};
  const std::vector<TokenId> prompt = {1, 2, 3, 4}, output = {5, 6};
  const std::vector<TokenId> stops = {60, 61};
  const std::vector<std::uint32_t> masks = {0xF0F0F0F0u, 1u, 2u, 2u, 3u, 3u};
  settings[1] = {.params = &params,
                 .prompt_ids = prompt,
                 .output_ids = output,
                 .banned_ids = stops,
                 .masks = masks,
                 .wants_hidden = true};
  PlanRow row = decode(2, {6, 20, 21});  // two drafts behind the last known token
  row.begins_to_draw = true;
  launch({.step_id = 1, .rows = {decode(1, {9}), row}, .n_tokens = 4});
  const RecordedBatch& batch = backend->batches.front();
  ASSERT_EQ(batch.samples.size(), 4u);
  const SampleRow& sample = batch.samples[1];
  EXPECT_EQ(sample.temperature, 0.5f);
  EXPECT_EQ(sample.top_k, 3);
  EXPECT_EQ(sample.top_p, 0.9f);
  EXPECT_EQ(sample.min_p, 0.1f);
  EXPECT_EQ(sample.seed, 42u);
  EXPECT_EQ(sample.repetition_penalty, 1.5f);
  EXPECT_EQ(sample.presence_penalty, 0.25f);
  EXPECT_EQ(sample.frequency_penalty, 0.125f);
  EXPECT_EQ(sample.n_logprobs, 2);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(batch.samples[i].mask_idx, i - 1);  // one for each draw
  EXPECT_EQ(batch.masks, masks);
  EXPECT_EQ(batch.biases, params.logit_bias);
  EXPECT_EQ(sample.bias_begin, 0);
  EXPECT_EQ(sample.n_biases, 2);
  EXPECT_EQ(batch.banned_ids, stops);
  // The token at index 6 is the third of the output, the next ones the fourth and fifth: only the
  // first stands before min_tokens.
  EXPECT_EQ(sample.position, 6u);
  EXPECT_EQ(sample.n_bans, 2);
  EXPECT_EQ(batch.samples[2].n_bans, 0);
  EXPECT_EQ(sample.draft, 20);
  EXPECT_EQ(batch.samples[2].draft, 21);
  EXPECT_EQ(batch.samples[3].draft, -1);
  EXPECT_EQ(sample.wants_hidden, 1);  // of the last token that is no draft
  EXPECT_EQ(batch.samples[2].wants_hidden, 0);
  EXPECT_EQ(batch.samples[3].wants_hidden, 0);
  ASSERT_EQ(batch.history_resets.size(), 1u);
  EXPECT_EQ(batch.history_resets[0].row_slot, 2);
  EXPECT_EQ(batch.history_resets[0].prompt_ids, prompt);
  EXPECT_EQ(batch.history_resets[0].output_ids, output);
}

TEST_F(Runner, AHistoryIsToldOnceAndOnlyWherePenaltiesAre) {
  start();
  const SamplingParams penalised = {.presence_penalty = 1.0f};
  settings[1].params = &penalised;
  PlanRow plain = decode(1, {9}), row = decode(2, {6});
  plain.begins_to_draw = row.begins_to_draw = true;
  launch({.step_id = 1, .rows = {plain, row}, .n_tokens = 2});
  EXPECT_EQ(backend->batches.back().history_resets.size(), 1u);
  backend->script.push_back({.token_ids = {1, 2}});
  collect();
  plain.begins_to_draw = row.begins_to_draw = false;
  launch({.step_id = 2, .rows = {plain, row}, .n_tokens = 2});
  EXPECT_THAT(backend->batches.back().history_resets, IsEmpty());
}

TEST_F(Runner, OnlyWhatTheDraftsForesawCounts) {
  start();
  settings[0].params = settings[1].params = settings[2].params = &greedy;
  greedy.n_logprobs = 0;
  launch({.step_id = 1,
          .rows = {decode(1, {9, 20, 21}), decode(2, {9, 20, 21}), decode(3, {9, 20, 21})},
          .n_tokens = 9});
  backend->script.push_back({.token_ids = {20, 21, 5, 20, 4, -1, 3, kNotFinite, kNotFinite},
                             .logprobs = std::vector<TokenLogprobs>(9)});
  const std::vector<Taken> taken = collect();
  EXPECT_THAT(taken[0].token_ids, ElementsAre(20, 21, 5));
  EXPECT_THAT(taken[1].token_ids, ElementsAre(20, 4));
  EXPECT_EQ(taken[1].n_logprobs, 2u);
  EXPECT_THAT(taken[2].token_ids, ElementsAre(3)) << "behind a wrong draft nothing counts";
  EXPECT_FALSE(taken[2].not_finite);
}

TEST_F(Runner, PromptRowsReportAndTheLastOneDraws) {
  start();
  const std::vector<TokenId> prompt = {1, 2, 3, 4, 5, 6, 7, 8};
  greedy.n_logprobs = 1;
  settings[0] = {
      .params = &greedy, .prompt_ids = prompt, .wants_logits = true, .prompt_logprobs = 3};
  PlanRow row = decode(1, {6, 7, 8});
  row.n_draws = 1;
  settings[1].wants_logits = settings[1].wants_hidden = true;
  launch({.step_id = 1, .rows = {row, decode(2, {9})}, .n_tokens = 4});
  const std::vector<SampleRow>& samples = backend->batches.front().samples;
  EXPECT_EQ(samples[0].draws, 0);
  EXPECT_EQ(samples[0].n_logprobs, 3);
  EXPECT_EQ(samples[0].logprob_of, 7);
  EXPECT_EQ(samples[1].logprob_of, 8);
  EXPECT_EQ(samples[2].draws, 1);
  EXPECT_EQ(samples[2].n_logprobs, 1);
  ScriptedOutput output{.token_ids = {-1, -1, 40, 41},
                        .logprobs = std::vector<TokenLogprobs>(4),
                        .logits = std::vector<float>(2 * kVocab, 1.0f),
                        .hidden = std::vector<float>(kHidden, 3.0f)};
  output.logits[kVocab] = 2.0f;
  backend->script.push_back(output);
  const std::vector<Taken> taken = collect();
  EXPECT_EQ(taken[0].n_prompt_logprobs, 2u);
  EXPECT_EQ(taken[0].n_logprobs, 1u);
  EXPECT_THAT(taken[0].token_ids, ElementsAre(40));
  EXPECT_THAT(taken[0].first_logit, ElementsAre(1.0f));
  EXPECT_THAT(taken[1].first_logit, ElementsAre(2.0f));
  EXPECT_THAT(taken[0].first_hidden, IsEmpty());
  EXPECT_THAT(taken[1].first_hidden, ElementsAre(3.0f));
}

TEST_F(Runner, WhatIsNotFiniteSaysNothingElse) {
  start();
  settings[0].wants_logits = settings[1].wants_logits = true;
  launch({.step_id = 1, .rows = {decode(1, {9}), decode(2, {9})}, .n_tokens = 2});
  ScriptedOutput output{.token_ids = {kNotFinite, 3},
                        .logits = std::vector<float>(2 * kVocab, 1.0f)};
  output.logits[kVocab] = 2.0f;
  backend->script.push_back(output);
  const std::vector<Taken> taken = collect();
  EXPECT_TRUE(taken[0].not_finite);
  EXPECT_THAT(taken[0].token_ids, IsEmpty());
  EXPECT_THAT(taken[0].first_logit, IsEmpty());
  EXPECT_FALSE(taken[1].not_finite);
  EXPECT_THAT(taken[1].first_logit, ElementsAre(2.0f)) << "its own row, not the one before";
}

// The plan of step 1 is long gone when its results come.
TEST_F(Runner, TwoStepsInFlight) {
  start(1);
  launch({.step_id = 1, .rows = {decode(3, {9, 20})}, .n_tokens = 2});
  kept.clear();
  launch({.step_id = 2, .rows = {decode(1, {8}), decode(2, {8})}, .n_tokens = 2});
  EXPECT_EQ(runner->n_in_flight(), 2);
  backend->script.push_back({.token_ids = {20, 21}});
  backend->script.push_back({.token_ids = {30, 31}});
  const std::vector<Taken> first = collect();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].sequence_id, 3u);
  EXPECT_THAT(first[0].token_ids, ElementsAre(20, 21));
  const std::vector<Taken> second = collect();
  ASSERT_EQ(second.size(), 2u);
  EXPECT_THAT(second[1].token_ids, ElementsAre(31));
  EXPECT_EQ(runner->n_in_flight(), 0);
}

TEST_F(Runner, DeathWhenStepsAreLostOrInvented) {
  start(0);
  EXPECT_DEATH(collect(), "no step is in flight");
  launch({.step_id = 1, .rows = {decode(1, {8})}, .n_tokens = 1});
  EXPECT_DEATH(launch({.step_id = 2, .rows = {decode(1, {8})}, .n_tokens = 1}),
               "1 steps are in flight, lag is 0");
}

}  // namespace
}  // namespace tinyllm
