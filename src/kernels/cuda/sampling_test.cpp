// The device draws what the CPU draws from the same logits: every token, rank and logprob.

#include "kernels/cuda/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/cuda/device_array_test.h"
#include "kernels/cuda/logprob_report.h"
#include "sampling/argmax.h"
#include "sampling/choose_token.h"
#include "sampling/finite.h"
#include "sampling/logprobs.h"
#include "sampling/process_logits.h"

namespace tinyllm::cuda {
namespace {

constexpr std::int32_t kMaxTop = 25;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr TokenId kBroken = -2;  // kNotFinite of kernels/backend.h

struct History {
  std::vector<TokenId> prompt, output;
};

// A batch of rows on host and device. The state of slots lives as long as this does.
class Batch {
 public:
  Batch(std::int32_t vocab_size, std::int32_t n_rows)
      : vocab_size(vocab_size),
        stride((vocab_size + 3) / 4 * 4),
        n_rows(n_rows),
        rows(static_cast<std::size_t>(n_rows)),
        logits(static_cast<std::size_t>(n_rows * stride)),
        histories(static_cast<std::size_t>(n_rows)),
        last_drawn_(static_cast<std::size_t>(n_rows)),
        counts_(static_cast<std::size_t>(n_rows) * vocab_size),
        processed_(static_cast<std::size_t>(n_rows * stride)),
        chunk_best_(static_cast<std::size_t>(n_rows * n_sample_chunks(vocab_size)) * 2),
        chunk_finite_(static_cast<std::size_t>(n_rows * n_sample_chunks(vocab_size))),
        arrivals_(std::vector<std::int32_t>(rows.size(), 0)),
        stats_(rows.size()),
        bin_counts_(std::vector<std::uint32_t>(rows.size() * kMassBins, 0)),
        bin_masses_(std::vector<std::uint64_t>(rows.size() * kMassBins, 0)),
        token_ids_(rows.size()),
        reports_(rows.size()),
        top_ids_(rows.size() * kMaxTop),
        top_logits_(rows.size() * kMaxTop) {
    for (std::int32_t i = 0; i < n_rows; ++i) {
      rows[static_cast<std::size_t>(i)].row_slot = i;
      rows[static_cast<std::size_t>(i)].draws = 1;
    }
  }

  std::span<float> row(std::int32_t i) {
    return std::span(logits).subspan(static_cast<std::size_t>(i * stride),
                                     static_cast<std::size_t>(vocab_size));
  }

  void reset_histories() {
    std::vector<HistoryRange> ranges;
    std::vector<TokenId> ids;
    for (std::int32_t slot = 0; slot < n_rows; ++slot) {
      const History& history = histories[static_cast<std::size_t>(slot)];
      HistoryRange range = {.row_slot = slot};
      range.prompt_begin = static_cast<std::int32_t>(ids.size());
      range.n_prompt = static_cast<std::int32_t>(history.prompt.size());
      ids.insert(ids.end(), history.prompt.begin(), history.prompt.end());
      range.output_begin = static_cast<std::int32_t>(ids.size());
      range.n_output = static_cast<std::int32_t>(history.output.size());
      ids.insert(ids.end(), history.output.begin(), history.output.end());
      ranges.push_back(range);
    }
    const DeviceArray<HistoryRange> device_ranges(ranges);
    const DeviceArray<TokenId> device_ids(ids);
    launch_reset_histories(context, vocab_size, device_ranges.data(), n_rows, device_ids.data(),
                           state());
    context.synchronise();
  }

  void run() {
    const DeviceArray<SampleRow> device_rows(rows);
    const DeviceArray<float> device_logits(logits);
    const DeviceArray<TokenBias> device_biases(biases);
    const DeviceArray<TokenId> device_bans(banned_ids);
    const DeviceArray<std::uint32_t> device_masks(masks);
    const SampleBatchView view = {n_rows,
                                  vocab_size,
                                  device_rows.data(),
                                  device_biases.data(),
                                  device_bans.data(),
                                  device_masks.data(),
                                  device_logits.data(),
                                  stride};
    token_ids_.poison();
    const SamplerScratch scratch = {processed_.data(), chunk_best_.data(), chunk_finite_.data(),
                                    arrivals_.data(),  stats_.data(),      bin_counts_.data(),
                                    bin_masses_.data()};
    const SampleResults results = {token_ids_.data(), reports_.data(), top_ids_.data(),
                                   top_logits_.data(), kMaxTop};
    launch_prepare_rows(context, view, state(), scratch, results);
    launch_draw_rows(context, view, scratch, results);
    launch_report_rows(context, view, scratch, results);
    launch_accept_rows(context, view, state(), results);
    token_ids = token_ids_.download();
    reports = reports_.download();
    top_ids = top_ids_.download();
    top_logits = top_logits_.download();
    last_drawn = last_drawn_.download();
  }

  // What the CPU draws for the row, with `drafts` said before it.
  TokenId expected(std::int32_t i, std::vector<TokenId> drafts = {}) {
    const SampleRow& r = rows[static_cast<std::size_t>(i)];
    if (!all_finite(row(i))) return kBroken;
    if (r.draws == 0) return -1;
    History history = histories[static_cast<std::size_t>(r.row_slot)];
    history.output.insert(history.output.end(), drafts.begin(), drafts.end());
    TokenHistory counted(static_cast<std::int64_t>(history.prompt.size() + history.output.size()));
    std::vector<std::int32_t> places(static_cast<std::size_t>(vocab_size), 0);
    counted.reset(history.prompt, history.output, places);
    LogitsChanges changes;
    const auto words = static_cast<std::size_t>(mask_words(vocab_size));
    if (r.mask_idx >= 0)
      changes.mask = std::span(masks).subspan(static_cast<std::size_t>(r.mask_idx) * words, words);
    changes.banned_ids =
        std::span(banned_ids)
            .subspan(static_cast<std::size_t>(r.ban_begin), static_cast<std::size_t>(r.n_bans));
    std::vector<std::pair<TokenId, float>> own;
    for (std::int32_t b = 0; b < r.n_biases; ++b) {
      const TokenBias& bias = biases[static_cast<std::size_t>(r.bias_begin + b)];
      own.push_back({bias.id, bias.value});
    }
    changes.biases = own;
    changes.penalties = {r.repetition_penalty, r.frequency_penalty, r.presence_penalty};
    changes.history = &counted;
    grow(workspace_, static_cast<std::size_t>(vocab_size));
    std::vector<float> processed(row(i).begin(), row(i).end());
    process_logits(processed, changes);
    copy_without_nan(processed, processed);
    return choose_token(processed, {r.temperature, r.top_k, r.top_p, r.min_p, r.seed, r.position},
                        workspace_);
  }

  TokenLogprobs expected_logprobs(std::int32_t i, TokenId id) {
    const std::span<float> raw = row(i);
    grow(workspace_, raw.size());
    TokenLogprobs out;
    fill_logprobs(raw, raw[static_cast<std::size_t>(argmax(raw))], id,
                  rows[static_cast<std::size_t>(i)].n_logprobs,
                  std::span(workspace_.weights).first(raw.size()), workspace_.candidates, out);
    return out;
  }

  const DeviceContext context;
  std::int32_t vocab_size;
  std::int64_t stride;
  std::int32_t n_rows;
  std::vector<SampleRow> rows;
  std::vector<float> logits;
  std::vector<TokenBias> biases;
  std::vector<TokenId> banned_ids;
  std::vector<std::uint32_t> masks;
  std::vector<History> histories;  // of each slot

  std::vector<TokenId> token_ids, top_ids, last_drawn;
  std::vector<RowReport> reports;
  std::vector<float> top_logits;

 private:
  SamplerState state() const { return {last_drawn_.data(), counts_.data()}; }

  SamplerWorkspace workspace_;
  DeviceArray<TokenId> last_drawn_;
  DeviceArray<std::uint32_t> counts_;
  DeviceArray<float> processed_;
  DeviceArray<std::uint64_t> chunk_best_;
  DeviceArray<std::int32_t> chunk_finite_, arrivals_;
  DeviceArray<RowStats> stats_;
  DeviceArray<std::uint32_t> bin_counts_;
  DeviceArray<std::uint64_t> bin_masses_;
  DeviceArray<TokenId> token_ids_;
  DeviceArray<RowReport> reports_;
  DeviceArray<TokenId> top_ids_;
  DeviceArray<float> top_logits_;
};

// Logits of many characters: wide, narrow, full of ties, one value, one peak, huge.
void fill_logits(std::span<float> row, int kind, std::mt19937& random) {
  std::normal_distribution<float> normal;
  for (float& x : row) {
    switch (kind % 7) {
      case 0: x = 3.0f * normal(random); break;
      case 1: x = 0.05f * normal(random); break;
      case 2: x = std::round(normal(random) * 4.0f) * 0.25f; break;
      case 3: x = -1.5f; break;
      case 4: x = normal(random) - 60.0f; break;
      case 5: x = 1e30f * normal(random); break;
      default: x = 10.0f * normal(random) + 5.0f; break;
    }
  }
  if (kind % 7 == 4) row[random() % row.size()] = 40.0f;
}

template <typename T>
T one_of(std::mt19937& random, std::initializer_list<T> values) {
  return values.begin()[random() % values.size()];
}

void set_random_sampling(SampleRow& row, std::int32_t vocab_size, std::mt19937& random) {
  row.temperature = one_of(random, {0.0f, 0.01f, 0.6f, 0.7f, 1.0f, 1.3f, 5.0f, 100.0f});
  row.top_k = one_of(random, {0, 0, 1, 5, 50, 1000, vocab_size});
  row.top_p = one_of(random, {1.0f, 1.0f, 0.95f, 0.9f, 0.5f, 0.01f, 1e-6f});
  row.min_p = one_of(random, {0.0f, 0.0f, 0.05f, 0.5f, 1.0f});
  row.seed = random() | static_cast<std::uint64_t>(random()) << 32;
  row.position = random() % 5000;
}

void expect_drawn(Batch& batch) {
  for (std::int32_t i = 0; i < batch.n_rows; ++i) {
    const SampleRow& row = batch.rows[static_cast<std::size_t>(i)];
    ASSERT_EQ(batch.token_ids[static_cast<std::size_t>(i)], batch.expected(i))
        << "row " << i << " of " << batch.vocab_size << ": temperature " << row.temperature
        << ", top_k " << row.top_k << ", top_p " << row.top_p << ", min_p " << row.min_p;
  }
}

TEST(SamplingOnTheDevice, DrawsWhatTheCpuDraws) {
  REQUIRE_GPU();
  std::mt19937 random(1);
  for (const std::int32_t vocab_size : {1, 2, 67, 4095, 4097, 20000, 151936}) {
    Batch batch(vocab_size, vocab_size > 100000 ? 64 : 200);
    for (int round = 0; round < 2; ++round) {
      for (std::int32_t i = 0; i < batch.n_rows; ++i) {
        fill_logits(batch.row(i), i + round, random);
        set_random_sampling(batch.rows[static_cast<std::size_t>(i)], vocab_size, random);
      }
      batch.run();
      expect_drawn(batch);
    }
  }
}

TEST(SamplingOnTheDevice, AHundredThousandDraws) {
  REQUIRE_GPU();
  std::mt19937 random(2);
  Batch batch(1500, 1000);
  std::int64_t n_draws = 0;
  for (int round = 0; round < 100; ++round) {
    if (round % 20 == 0) {
      for (std::int32_t i = 0; i < batch.n_rows; ++i) fill_logits(batch.row(i), 0, random);
    }
    for (SampleRow& row : batch.rows) {
      set_random_sampling(row, batch.vocab_size, random);
      if (row.temperature == 0.0f) row.temperature = 0.8f;
    }
    batch.run();
    expect_drawn(batch);
    n_draws += batch.n_rows;
  }
  EXPECT_EQ(n_draws, 100000);
}

// Random processors of all kinds on a row; the pools grow.
void add_processors(Batch& batch, std::int32_t i, std::mt19937& random) {
  SampleRow& row = batch.rows[static_cast<std::size_t>(i)];
  const auto random_id = [&] { return static_cast<TokenId>(random() % batch.vocab_size); };
  const auto n_words = mask_words(batch.vocab_size);
  if (random() % 3 == 0) {
    row.mask_idx = static_cast<std::int32_t>(std::ssize(batch.masks) / n_words);
    for (std::int64_t w = 0; w < n_words; ++w)
      batch.masks.push_back(row.mask_idx == 0 ? 0
                                              : static_cast<std::uint32_t>(random() & random()));
  }
  row.ban_begin = static_cast<std::int32_t>(batch.banned_ids.size());
  row.n_bans = static_cast<std::int32_t>(random() % 4);
  for (int n = 0; n < row.n_bans; ++n)
    batch.banned_ids.push_back(n == 3 ? batch.vocab_size + 5 : random_id());
  row.bias_begin = static_cast<std::int32_t>(batch.biases.size());
  row.n_biases = static_cast<std::int32_t>(random() % 30);
  for (int n = 0; n < row.n_biases; ++n) {
    const TokenId id = n > 0 && random() % 4 == 0 ? batch.biases.back().id : random_id();
    batch.biases.push_back(
        {id, random() % 8 == 0 ? -kInfinity : static_cast<float>(random() % 2001) / 100 - 10});
  }
  if (random() % 2 == 0) {
    row.repetition_penalty = one_of(random, {1.0f, 1.1f, 1.7f, 0.8f});
    row.presence_penalty = one_of(random, {0.0f, 0.7f, -1.1f});
    row.frequency_penalty = one_of(random, {0.0f, 0.3f, -0.4f});
  }
  History& history = batch.histories[static_cast<std::size_t>(row.row_slot)];
  for (int n = 0; n < 100; ++n) history.prompt.push_back(random_id());
  for (int n = 0; n < 60; ++n)
    history.output.push_back(n % 2 == 0 ? random_id() : history.prompt[n]);
}

TEST(SamplingOnTheDevice, ProcessorsInTheCpusOrder) {
  REQUIRE_GPU();
  std::mt19937 random(3);
  for (const std::int32_t vocab_size : {67, 5000, 151936}) {
    Batch batch(vocab_size, vocab_size > 100000 ? 40 : 120);
    for (std::int32_t i = 0; i < batch.n_rows; ++i) {
      fill_logits(batch.row(i), i % 3, random);
      set_random_sampling(batch.rows[static_cast<std::size_t>(i)], vocab_size, random);
      add_processors(batch, i, random);
    }
    batch.reset_histories();
    batch.run();
    expect_drawn(batch);
  }
}

TEST(SamplingOnTheDevice, HistoriesGrow) {
  REQUIRE_GPU();
  std::mt19937 random(4);
  Batch batch(500, 30);
  for (std::int32_t i = 0; i < batch.n_rows; ++i) {
    fill_logits(batch.row(i), 0, random);
    add_processors(batch, i, random);
    batch.rows[static_cast<std::size_t>(i)].frequency_penalty = 0.9f;
  }
  batch.reset_histories();
  for (int step = 0; step < 20; ++step) {
    for (SampleRow& row : batch.rows) {
      row.seed = random();
      row.temperature = step % 2 == 0 ? 1.0f : 0.0f;
    }
    batch.run();
    expect_drawn(batch);
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      EXPECT_EQ(batch.last_drawn[i], batch.token_ids[i]);
      batch.histories[i].output.push_back(batch.token_ids[i]);
    }
  }
}

TEST(SamplingOnTheDevice, DraftsHoldUntilTheFirstThatWasNotDrawn) {
  REQUIRE_GPU();
  std::mt19937 random(5);
  Batch batch(300, 40);  // 8 sequences of 5 rows
  for (int step = 0; step < 10; ++step) {
    for (std::int32_t i = 0; i < batch.n_rows; ++i) {
      SampleRow& row = batch.rows[static_cast<std::size_t>(i)];
      row = {.row_slot = i / 5, .frequency_penalty = 0.5f, .draws = 1};
      if (step == 0) fill_logits(batch.row(i), 0, random);
    }
    if (step == 0) {
      for (History& history : batch.histories) history = {{1, 2, 3}, {3, 4}};
      batch.reset_histories();
    }
    // Proposals that are drawn up to the row random() says.
    for (std::int32_t first = 0; first < batch.n_rows; first += 5) {
      std::vector<TokenId> said;
      const auto n_right = static_cast<std::int32_t>(random() % 6);
      for (std::int32_t i = 0; i < 4; ++i) {
        const TokenId drawn = batch.expected(first + i, said);
        const TokenId draft = i < n_right ? drawn : (drawn + 1) % batch.vocab_size;
        batch.rows[static_cast<std::size_t>(first + i)].draft = draft;
        said.push_back(draft);
      }
    }
    batch.run();
    for (std::int32_t first = 0; first < batch.n_rows; first += 5) {
      std::vector<TokenId> said, kept;
      bool holds = true;
      for (std::int32_t i = first; i < first + 5; ++i) {
        const TokenId drawn = batch.token_ids[static_cast<std::size_t>(i)];
        ASSERT_EQ(drawn, batch.expected(i, said)) << "row " << i;
        if (holds) kept.push_back(drawn);
        const TokenId draft = batch.rows[static_cast<std::size_t>(i)].draft;
        holds = holds && draft == drawn;
        said.push_back(draft);
      }
      const auto slot = static_cast<std::size_t>(first / 5);
      EXPECT_EQ(batch.last_drawn[slot], kept.back());
      History& history = batch.histories[slot];
      history.output.insert(history.output.end(), kept.begin(), kept.end());
    }
  }
}

TEST(SamplingOnTheDevice, WhatIsNotFiniteIsSaid) {
  REQUIRE_GPU();
  std::mt19937 random(6);
  Batch batch(9000, 8);
  for (std::int32_t i = 0; i < batch.n_rows; ++i) {
    fill_logits(batch.row(i), 0, random);
    set_random_sampling(batch.rows[static_cast<std::size_t>(i)], batch.vocab_size, random);
    batch.rows[static_cast<std::size_t>(i)].n_logprobs = 3;
  }
  batch.row(1)[8999] = std::nanf("");
  batch.row(3)[0] = kInfinity;
  batch.row(5)[4096] = -kInfinity;
  batch.rows[6].draws = 0;
  batch.run();
  expect_drawn(batch);
  for (const std::size_t i : {1u, 3u, 5u}) EXPECT_EQ(batch.token_ids[i], kBroken);
  EXPECT_EQ(batch.token_ids[6], -1);
  EXPECT_EQ(batch.reports[1].token_id, -1);
}

TEST(SamplingOnTheDevice, LogprobsAreTheCpus) {
  REQUIRE_GPU();
  std::mt19937 random(7);
  for (const std::int32_t vocab_size : {3, 700, 151936}) {
    Batch batch(vocab_size, 28);
    for (std::int32_t i = 0; i < batch.n_rows; ++i) {
      SampleRow& row = batch.rows[static_cast<std::size_t>(i)];
      fill_logits(batch.row(i), i, random);
      set_random_sampling(row, vocab_size, random);
      row.n_logprobs = one_of(random, {-1, 0, 1, 20});
      row.draws = random() % 3 != 0 ? 1 : 0;
      row.logprob_of = static_cast<TokenId>(random() % vocab_size);
      if (i % 2 == 0) add_processors(batch, i, random);
    }
    batch.reset_histories();
    batch.run();
    expect_drawn(batch);
    for (std::int32_t i = 0; i < batch.n_rows; ++i) {
      const SampleRow& row = batch.rows[static_cast<std::size_t>(i)];
      const RowReport& report = batch.reports[static_cast<std::size_t>(i)];
      if (row.n_logprobs < 0) {
        EXPECT_EQ(report.token_id, -1);
        continue;
      }
      const TokenId drawn = batch.token_ids[static_cast<std::size_t>(i)];
      const TokenLogprobs want = batch.expected_logprobs(i, drawn >= 0 ? drawn : row.logprob_of);
      TokenLogprobs got;
      read_report(report, batch.top_ids.data() + i * kMaxTop, batch.top_logits.data() + i * kMaxTop,
                  got);
      EXPECT_EQ(got.drawn.token_id, want.drawn.token_id);
      EXPECT_EQ(got.drawn.logprob, want.drawn.logprob);
      EXPECT_EQ(got.rank, want.rank);
      ASSERT_EQ(got.top.size(), want.top.size());
      for (std::size_t t = 0; t < got.top.size(); ++t) {
        EXPECT_EQ(got.top[t].token_id, want.top[t].token_id) << "row " << i << ", place " << t;
        EXPECT_EQ(got.top[t].logprob, want.top[t].logprob);
      }
    }
  }
}

}  // namespace
}  // namespace tinyllm::cuda
