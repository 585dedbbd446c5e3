// Draws, drafts, histories and reports of the CPU backend, on a model without layers: its logits are
// a token's embedding times all embeddings, so each token has a next one of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/pick_isa.h"
#include "sampling/sampler.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;

constexpr std::int32_t kHeadVocab = 70, kHeadHidden = 32, kSlots = 4, kMaxTokens = 48;

class CpuHeadTest : public testing::Test {
 protected:
  CpuHeadTest() : pool_(2), backend_(pool_, pick_row_kernels()) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::vector<float> table(std::size_t{kHeadVocab} * kHeadHidden);
    for (float& value : table) value = normal(random);
    const Tensor matrix{
        reinterpret_cast<const std::byte*>(table.data()), DType::f32, {kHeadVocab, kHeadHidden}};
    const std::vector<float> ones(kHeadHidden, 1.0f);
    const Tensor norm{reinterpret_cast<const std::byte*>(ones.data()), DType::f32, {kHeadHidden}};
    head_.lm_head = pack(matrix);
    head_.final_norm = backend_.pack_vector({&norm, 1});
    BackendSizes sizes;
    sizes.attention = {{.n_heads = 1, .n_kv_heads = 1, .head_dim = kHeadHidden}};
    sizes.hidden_size = sizes.intermediate_size = kHeadHidden;
    sizes.vocab_size = kHeadVocab;
    sizes.limits = {
        .max_num_seqs = kSlots, .max_num_batched_tokens = kMaxTokens, .max_model_len = 64};
    sizes.max_samples = kMaxTokens;
    sizes.max_logprobs = 5;
    sizes.max_wanted_logits = sizes.max_wanted_hidden = kMaxTokens;
    backend_.configure(sizes, {.block_size = 16, .n_blocks = 4});
  }

  struct Row {
    std::int32_t slot = 0;
    std::vector<TokenId> tokens = {};  // a sample after each; those behind the first are drafts
    SampleRow sample = {};             // what all of them ask for
  };

  // Tokens as collect() gives them, a row after the other.
  std::vector<TokenId> step(const std::vector<Row>& rows, StepBatch batch = {}) {
    std::vector<TokenId> token_ids;
    std::vector<std::int32_t> zeros(kMaxTokens), seq_starts = {0}, row_slots, block_starts = {0};
    samples_.clear();
    for (const Row& row : rows) {
      for (std::size_t i = 0; i < row.tokens.size(); ++i) {
        SampleRow& sample = samples_.emplace_back(row.sample);
        sample.token_idx = static_cast<std::int32_t>(token_ids.size());
        sample.row_slot = row.slot;
        sample.position += i;
        sample.draft = i + 1 < row.tokens.size() ? row.tokens[i + 1] : -1;
        token_ids.push_back(row.tokens[i]);
      }
      seq_starts.push_back(static_cast<std::int32_t>(token_ids.size()));
      row_slots.push_back(row.slot);
      block_starts.push_back(0);
    }
    batch.n_tokens = batch.n_samples = static_cast<std::int32_t>(token_ids.size());
    batch.n_seqs = static_cast<std::int32_t>(rows.size());
    batch.token_ids = token_ids;
    batch.positions = batch.slot_mapping = std::span(zeros).first(token_ids.size());
    batch.seq_starts = seq_starts;
    batch.row_slots = row_slots;
    batch.block_starts = block_starts;
    batch.samples = samples_;
    backend_.begin_step(batch);
    backend_.run(Recipe::replayable, [&] {
      backend_.embed(head_.lm_head);
      backend_.head(head_);
    });
    output_ = backend_.collect();
    return {output_.token_ids.begin(), output_.token_ids.end()};
  }

  TokenId after(TokenId token) { return step({{0, {token}, draws()}}).front(); }

  static SampleRow draws() {
    SampleRow sample;
    sample.draws = 1;
    return sample;
  }

  std::vector<SampleRow> samples_;
  StepOutput output_;

 private:
  MatrixId pack(const Tensor& matrix) {
    return backend_.pack_matrix({&matrix, 1}, PartOrder::stacked, Shard::none);
  }

  ThreadPool pool_;
  CpuBackend backend_;
  HeadWeights head_;
};

TEST_F(CpuHeadTest, ARowDrawsOnlyBehindARightDraft) {
  // The likeliest token after t is t itself here; a bias makes the walk: t, then 7, ...
  const std::vector<std::pair<TokenId, float>> biases = {{7, 1e4f}, {9, 2e4f}};
  SampleRow seven = draws(), nine = draws();
  seven.n_biases = 1;
  nine.bias_begin = 1;
  nine.n_biases = 1;
  StepBatch pools;
  pools.biases = biases;
  EXPECT_THAT(step({{0, {1, 7, 7}, seven}, {1, {1, 9, 7, 9}, nine}, {2, {1, 2}, seven}}, pools),
              ElementsAre(7, 7, 7, 9, 9, -1, -1, 7, -1));
  // Each slot goes on from what it drew last, and counted.
  EXPECT_THAT(step({{1, {kLastSampled}, draws()}, {2, {kLastSampled}, draws()}}),
              ElementsAre(after(9), after(7)));
}

// More rows than are made at once, with drafts across the border.
TEST_F(CpuHeadTest, DraftsAcrossBlocksOfRows) {
  const std::vector<std::pair<TokenId, float>> biases = {{7, 1e4f}};
  SampleRow seven = draws();
  seven.n_biases = 1;
  StepBatch pools;
  pools.biases = biases;
  std::vector<TokenId> drafts(40, 7);
  drafts[36] = 8;
  const std::vector<TokenId> drawn = step({{0, drafts, seven}}, pools);
  for (std::size_t i = 0; i < drawn.size(); ++i) EXPECT_EQ(drawn[i], i < 36 ? 7 : -1) << i;
}

// With drafts, without them, and through the sampler alone: one text, also with penalties.
TEST_F(CpuHeadTest, DraftsChangeNoTokenAndNoHistory) {
  const SamplingParams params = {.temperature = 0.9f,
                                 .seed = 5,
                                 .repetition_penalty = 1.4f,
                                 .presence_penalty = 0.5f,
                                 .frequency_penalty = 0.7f};
  const std::vector<TokenId> prompt = {1, 2, 3, 2};
  SampleRow sample = draws();
  sample.temperature = params.temperature;
  sample.seed = params.seed;
  sample.repetition_penalty = params.repetition_penalty;
  sample.presence_penalty = params.presence_penalty;
  sample.frequency_penalty = params.frequency_penalty;
  sample.wants_logits = 1;
  const HistoryReset resets[] = {{0, prompt, {}}, {1, prompt, {}}};
  StepBatch first;
  first.history_resets = resets;

  std::vector<std::int32_t> places(kHeadVocab, 0);
  TokenHistory history;
  history.reset(prompt, {}, places);
  SamplerWorkspace workspace;
  std::vector<TokenId> text = {prompt.back()};
  for (std::uint64_t position = 4; position < 40; ++position) {
    sample.position = position;
    const TokenId drawn =
        step({{0, {text.back()}, sample}}, position == 4 ? first : StepBatch())[0];
    EXPECT_EQ(drawn,
              sample_token(output_.logits, params, history, {}, position, workspace, nullptr));
    history.append(drawn);
    text.push_back(drawn);
  }

  // Slot 1 was told the same prompt in the first step; every third draft is wrong.
  std::size_t n_known = 1;
  while (n_known < text.size()) {
    Row row{1, {text[n_known - 1]}, sample};
    row.sample.position = 3 + n_known;
    const std::size_t n_drafts = std::min<std::size_t>(n_known % 4, text.size() - n_known - 1);
    for (std::size_t i = 0; i < n_drafts; ++i)
      row.tokens.push_back((n_known + i) % 3 == 0 ? (text[n_known + i] + 1) % kHeadVocab
                                                  : text[n_known + i]);
    for (const TokenId token : step({row})) {
      if (token < 0) break;
      EXPECT_EQ(token, text[n_known]) << "token " << n_known;
      ++n_known;
    }
  }
}

TEST_F(CpuHeadTest, MasksBansAndReports) {
  std::vector<std::uint32_t> masks(2 * 3, 0);
  masks[3 + 1] = 1u << 5;  // the second mask: id 37 alone
  const std::vector<TokenId> banned = {37, 1000};
  StepBatch pools;
  pools.masks = masks;
  pools.banned_ids = banned;
  SampleRow masked = draws(), plain = draws(), report;
  masked.mask_idx = 1;
  masked.wants_hidden = 1;
  plain.n_logprobs = 2;
  plain.wants_logits = 1;
  report.n_logprobs = 0;
  report.logprob_of = 11;
  report.wants_hidden = 1;
  EXPECT_EQ(step({{0, {3}, masked}, {1, {4}, report}, {2, {5}, plain}}, pools)[0], 37);
  EXPECT_EQ(output_.token_ids[1], -1);
  EXPECT_EQ(output_.logprobs[1].drawn.token_id, 11);
  EXPECT_EQ(output_.logprobs[2].drawn.token_id, output_.token_ids[2]);
  EXPECT_EQ(output_.logprobs[2].top.size(), 2u);
  EXPECT_EQ(output_.logits.size(), std::size_t{kHeadVocab});
  EXPECT_EQ(output_.hidden.size(), std::size_t{2} * kHeadHidden);
  EXPECT_NE(
      std::memcmp(output_.hidden.data(), output_.hidden.data() + kHeadHidden, kHeadHidden * 4), 0);
  masked.n_bans = 2;  // what the mask allows is banned: nothing is possible, and id 0 comes
  EXPECT_EQ(step({{0, {3}, masked}}, pools)[0], 0);
}

}  // namespace
}  // namespace tinyllm
