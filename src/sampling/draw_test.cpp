#include "sampling/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "sampling/philox.h"
#include "sampling/sampler.h"

namespace tinyllm {
namespace {

constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

std::vector<Candidate> quarters() {
  // In order: id 1 has [0, 1/2), id 2 [1/2, 3/4), id 0 [3/4, 1).
  return {{0.0f, 0, kFullMass / 2}, {1.0f, 1, kFullMass}, {0.5f, 2, kFullMass / 2}};
}

TokenId drawn_at(std::uint64_t random) {
  std::vector<Candidate> candidates = quarters();
  return draw(candidates, random);
}

TEST(Draw, InvertsTheCumulativeDistribution) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  EXPECT_EQ(drawn_at(0), 1);
  EXPECT_EQ(drawn_at(kHalf - 1), 1);
  EXPECT_EQ(drawn_at(kHalf), 2);
  EXPECT_EQ(drawn_at(kHalf + kHalf / 2 - 1), 2);
  EXPECT_EQ(drawn_at(kHalf + kHalf / 2), 0);
  EXPECT_EQ(drawn_at(kAllOnes), 0);
}

TEST(Draw, TheOrderOfTheCandidatesDoesNotMatter) {
  std::vector<Candidate> candidates;
  for (TokenId id = 0; id < 500; ++id) {
    const std::uint64_t mass = kFullMass >> (id % 20);
    candidates.push_back({-static_cast<float>(id % 20), id, mass});
  }
  std::vector<Candidate> reversed(candidates.rbegin(), candidates.rend());
  for (std::uint64_t position = 0; position < 1000; ++position) {
    const std::uint64_t random = random_bits(1, position);
    ASSERT_EQ(draw(candidates, random), draw(reversed, random)) << position;
  }
}

// Pearson's statistic of `n_draws` draws of sample_token at positions 0, 1, ... against the
// expected probabilities; an id that is not expected at all fails at once.
double chi_square(const std::vector<float>& logits, const SamplingParams& params,
                  const std::map<TokenId, double>& expected) {
  constexpr int kDraws = 100000;
  std::map<TokenId, int> n_drawn;
  SamplerWorkspace workspace;
  for (int i = 0; i < kDraws; ++i) {
    const auto position = static_cast<std::uint64_t>(i);
    ++n_drawn[sample_token(logits, params, {}, {}, position, workspace, nullptr)];
  }
  for (const auto& [id, n] : n_drawn) {
    EXPECT_TRUE(expected.contains(id)) << "id " << id << " drawn " << n << " times";
  }
  double statistic = 0.0;
  for (const auto& [id, p] : expected) {
    const double want = p * kDraws;
    EXPECT_GE(want, 5.0) << "id " << id << " is too rare for the test";
    statistic += (n_drawn[id] - want) * (n_drawn[id] - want) / want;
  }
  return statistic;
}

// Sixteen logits with three ties; softmax at temperature 0.8 over the `n_kept` likeliest.
const std::vector<float> kLogits = {0.5f,  1.0f, -0.25f, 2.0f, 0.0f,  1.5f,  -1.0f, 0.75f,
                                    -0.5f, 1.0f, 0.25f,  1.5f, -1.5f, 0.25f, 1.75f, -0.75f};

std::map<TokenId, double> softmax_of_likeliest(std::size_t n_kept) {
  std::vector<TokenId> ids(kLogits.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(i);
  const auto logit = [](TokenId id) { return kLogits[static_cast<std::size_t>(id)]; };
  std::stable_sort(ids.begin(), ids.end(),
                   [&](TokenId a, TokenId b) { return logit(a) > logit(b); });
  ids.resize(n_kept);
  std::map<TokenId, double> p;
  double sum = 0.0;
  for (const TokenId id : ids) sum += p[id] = std::exp(static_cast<double>(logit(id)) / 0.8f);
  for (auto& [id, value] : p) value /= sum;
  return p;
}

// The bounds are the 1 - 1e-6 quantiles of chi-square with (number of ids - 1) degrees of freedom.
constexpr double kQuantile15 = 56.493, kQuantile9 = 44.811, kQuantile4 = 33.377;

TEST(DrawChiSquare, Plain) {
  const SamplingParams params = {.temperature = 0.8f, .seed = 11};
  EXPECT_LT(chi_square(kLogits, params, softmax_of_likeliest(16)), kQuantile15);
}

TEST(DrawChiSquare, TopK) {
  const SamplingParams params = {.temperature = 0.8f, .top_k = 10, .seed = 12};
  EXPECT_LT(chi_square(kLogits, params, softmax_of_likeliest(10)), kQuantile9);
}

// Cumulative softmax: 0.237 (id 3), 0.411 (14), 0.538 (5), 0.665 (11), 0.732 (1), 0.800 (9), ...
TEST(DrawChiSquare, TopP) {
  const SamplingParams params = {.temperature = 0.8f, .top_p = 0.69f, .seed = 13};
  EXPECT_LT(chi_square(kLogits, params, softmax_of_likeliest(5)), kQuantile4);
}

// exp((x - 2) / 0.8) >= 0.1 holds for x >= 0.158: all but the six lowest.
TEST(DrawChiSquare, MinP) {
  const SamplingParams params = {.temperature = 0.8f, .min_p = 0.1f, .seed = 14};
  EXPECT_LT(chi_square(kLogits, params, softmax_of_likeliest(10)), kQuantile9);
}

// The statistic does see a wrong distribution: temperature 0.85 instead of 0.8.
TEST(DrawChiSquare, SeesAWrongTemperature) {
  const SamplingParams params = {.temperature = 0.85f, .seed = 11};
  EXPECT_GT(chi_square(kLogits, params, softmax_of_likeliest(16)), kQuantile15);
}

}  // namespace
}  // namespace tinyllm
