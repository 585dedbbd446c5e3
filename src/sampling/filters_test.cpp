// min_p, top_k and top_p: hand-computed rows, then random rows against plain double arithmetic.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "sampling/argmax.h"
#include "sampling/candidates.h"
#include "sampling/exp2.h"
#include "sampling/min_p.h"
#include "sampling/temperature.h"
#include "sampling/top_k.h"
#include "sampling/top_p.h"

namespace tinyllm {
namespace {

std::vector<Candidate> candidates_of(const std::vector<float>& logits, float temperature = 1.0f) {
  std::vector<float> weights(logits.size());
  const float max_logit = logits[static_cast<std::size_t>(argmax(logits))];
  apply_temperature(logits, max_logit, temperature, weights);
  exp2_portable(weights);
  std::vector<Candidate> candidates(logits.size());
  candidates.resize(collect_candidates(logits, weights, candidates));
  return candidates;
}

// Candidates with masses in eighths of kFullMass; the logits only carry the order.
std::vector<Candidate> eighths(const std::vector<std::uint64_t>& masses) {
  std::vector<Candidate> candidates;
  for (const std::uint64_t mass : masses) {
    candidates.push_back({static_cast<float>(mass), static_cast<TokenId>(candidates.size()),
                          mass * (kFullMass / 8)});
  }
  return candidates;
}

std::vector<TokenId> sorted_ids(std::vector<Candidate> candidates, std::size_t n) {
  std::vector<TokenId> ids;
  for (std::size_t i = 0; i < n; ++i) ids.push_back(candidates[i].id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

using Ids = std::vector<TokenId>;

TEST(Filters, TopKKeepsTheLikeliestAndTheLowerOfEqualIds) {
  const std::vector<Candidate> all = candidates_of({1.0f, 3.0f, 2.0f, 3.0f, 2.0f, 0.0f});
  const auto run = [&](int k) {
    std::vector<Candidate> row = all;
    const std::size_t n = keep_top_k(row, k);
    return sorted_ids(row, n);
  };
  EXPECT_EQ(run(1), (Ids{1}));
  EXPECT_EQ(run(2), (Ids{1, 3}));
  EXPECT_EQ(run(3), (Ids{1, 2, 3}));
  EXPECT_EQ(run(4), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(run(6).size(), 6u);
  EXPECT_EQ(run(100).size(), 6u);
  EXPECT_EQ(run(0).size(), 6u);
  EXPECT_EQ(run(-1).size(), 6u);
}

// Masses 8 4 2 1 1 of 16: p reaches 1/2 with the first token exactly, a little more takes two.
TEST(Filters, TopPKeepsTheTokenThatCrosses) {
  const auto run = [](float p) {
    std::vector<Candidate> row = eighths({1, 8, 1, 4, 2});
    const std::size_t n = keep_top_p(row, p);
    return sorted_ids(row, n);
  };
  EXPECT_EQ(run(1e-30f), (Ids{1}));
  EXPECT_EQ(run(0.5f), (Ids{1}));
  EXPECT_EQ(run(std::nextafter(0.5f, 1.0f)), (Ids{1, 3}));
  EXPECT_EQ(run(0.75f), (Ids{1, 3}));
  EXPECT_EQ(run(0.76f), (Ids{1, 3, 4}));
  EXPECT_EQ(run(0.9f), (Ids{0, 1, 3, 4}));  // 14/16 < 0.9: of the equal 0 and 2 the lower id
  EXPECT_EQ(run(0.95f), (Ids{0, 1, 2, 3, 4}));
  EXPECT_EQ(run(1.0f), (Ids{0, 1, 2, 3, 4}));
}

// 0.7 x 3 units = 2.1: two units do not reach it.
TEST(Filters, TopPNeverRoundsItsTargetDown) {
  std::vector<Candidate> row = {{1.0f, 0, 2}, {0.0f, 1, 1}};
  EXPECT_EQ(keep_top_p(row, 0.7f), 2u);
  EXPECT_EQ(keep_top_p(row, 0.66f), 1u);
}

TEST(Filters, MinPIsMeasuredFromTheLikeliest) {
  const auto run = [](float min_p) {
    std::vector<Candidate> row = eighths({1, 8, 1, 4, 2});
    const std::size_t n = keep_min_p(row, min_p);
    return sorted_ids(row, n);
  };
  EXPECT_EQ(run(0.0f).size(), 5u);
  EXPECT_EQ(run(0.125f).size(), 5u);
  EXPECT_EQ(run(std::nextafter(0.125f, 1.0f)), (Ids{1, 3, 4}));
  EXPECT_EQ(run(0.5f), (Ids{1, 3}));
  EXPECT_EQ(run(1.0f), (Ids{1}));
}

// top_p counts what top_k left: of 8 4 2 1 1 the first three are 14, and 12/14 reach 0.85.
TEST(Filters, TopPIsMeasuredAfterTopK) {
  std::vector<Candidate> row = eighths({1, 8, 1, 4, 2});
  row.resize(keep_top_k(row, 3));
  EXPECT_EQ(sorted_ids(row, keep_top_p(row, 0.85f)), (Ids{1, 3}));
}

// Plain double arithmetic over a full sort.
class BruteForce {
 public:
  BruteForce(const std::vector<float>& logits, double temperature) : ids_(logits.size()) {
    std::iota(ids_.begin(), ids_.end(), 0);
    std::stable_sort(ids_.begin(), ids_.end(), [&](TokenId a, TokenId b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    const double max = logits[static_cast<std::size_t>(ids_[0])];
    for (const TokenId id : ids_) {
      p_.push_back(std::exp((logits[static_cast<std::size_t>(id)] - max) / temperature));
    }
  }
  // Each filter returns false where the answer hangs on less than f32 can tell.
  bool min_p(double least) {
    std::size_t n = 0;
    while (n < p_.size() && p_[n] >= least) ++n;
    const bool clear = std::all_of(p_.begin(), p_.end(),
                                   [&](double p) { return std::abs(p - least) > kDoubt * least; });
    cut(n);
    return clear;
  }
  void top_k(std::size_t k) { cut(std::min(k, p_.size())); }
  bool top_p(double p) {
    const double total = std::accumulate(p_.begin(), p_.end(), 0.0);
    double sum = 0.0;
    std::size_t n = 0;
    bool clear = true;
    while (n < p_.size() && sum < p * total) {
      sum += p_[n++];
      clear = clear && std::abs(sum - p * total) > kDoubt * total;
    }
    cut(n);
    return clear;
  }
  std::vector<TokenId> kept() const {
    std::vector<TokenId> ids = ids_;
    std::sort(ids.begin(), ids.end());
    return ids;
  }

 private:
  static constexpr double kDoubt = 2e-6;
  void cut(std::size_t n) {
    ids_.resize(n);
    p_.resize(n);
  }
  std::vector<TokenId> ids_;
  std::vector<double> p_;
};

std::vector<float> random_row(std::mt19937& random) {
  const std::size_t size = 1 + random() % 2000;
  const float spread = 0.5f + static_cast<float>(random() % 8);
  const bool with_ties = random() % 2 == 0;  // whole and half numbers: many equal logits
  std::normal_distribution<float> normal(0.0f, spread);
  std::vector<float> logits(size);
  for (float& logit : logits) {
    logit = normal(random);
    if (with_ties) logit = std::round(2.0f * logit) * 0.5f;
  }
  return logits;
}

TEST(Filters, EqualPlainDoublesOnRandomRows) {
  std::mt19937 random(20240607);
  int n_compared = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::vector<float> logits = random_row(random);
    const float temperature = 0.3f + 0.1f * static_cast<float>(random() % 15);
    const float min_p = random() % 2 ? 0.0f : 0.001f * static_cast<float>(1 + random() % 300);
    const int k = random() % 2 ? 0 : static_cast<int>(1 + random() % 300);
    const float p = 0.01f * static_cast<float>(1 + random() % 99);

    BruteForce want(logits, temperature);
    bool clear = min_p == 0.0f || want.min_p(min_p);
    if (k > 0) want.top_k(static_cast<std::size_t>(k));
    clear = want.top_p(p) && clear;
    if (!clear) continue;

    std::vector<Candidate> row = candidates_of(logits, temperature);
    if (min_p > 0.0f) row.resize(keep_min_p(row, min_p));
    row.resize(keep_top_k(row, k));
    row.resize(keep_top_p(row, p));
    ASSERT_EQ(sorted_ids(row, row.size()), want.kept())
        << "row " << i << " of " << logits.size() << ": temperature " << temperature << ", min_p "
        << min_p << ", top_k " << k << ", top_p " << p;
    ++n_compared;
  }
  EXPECT_GE(n_compared, 900) << "too many rows in doubt";
  RecordProperty("rows_compared", n_compared);
}

// Rows above the size where buckets are used, near-equal logits and all-equal ones among them.
TEST(Filters, TopPOfLargeRowsEqualsAFullSort) {
  std::mt19937 random(7);
  for (const float spread : {0.0f, 1e-4f, 0.5f, 3.0f, 20.0f}) {
    for (const std::size_t size : {4095u, 4096u, 50000u}) {
      std::normal_distribution<float> normal(0.0f, 1.0f);
      std::vector<float> logits(size);
      for (float& logit : logits) logit = spread * normal(random);
      const std::vector<Candidate> row = candidates_of(logits);
      std::vector<Candidate> sorted = row;
      std::sort(sorted.begin(), sorted.end(), comes_before);
      for (const float p : {0.001f, 0.5f, 0.95f, 0.9999f}) {
        const double target = static_cast<double>(p) * static_cast<double>(total_mass(row));
        std::uint64_t sum = 0;
        std::size_t n = 0;
        while (static_cast<double>(sum) < target) sum += sorted[n++].mass;
        std::vector<Candidate> kept = row;
        kept.resize(keep_top_p(kept, p));
        ASSERT_EQ(kept.size(), n) << spread << " " << size << " " << p;
        ASSERT_EQ(sorted_ids(kept, n), sorted_ids(sorted, n)) << spread << " " << size << " " << p;
        ASSERT_EQ(kept.back().id, sorted[n - 1].id) << "the cut stands last";
      }
    }
  }
}

}  // namespace
}  // namespace tinyllm
