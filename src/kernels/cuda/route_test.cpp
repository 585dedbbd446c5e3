// The router, and its choices sorted by expert, against float64 and plain loops.

#include "kernels/cuda/experts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cuda/expert_step_test.h"

namespace tinyllm::cuda {
namespace {

// --- the router ---

struct RouteCase {
  std::int32_t n, n_experts, k, n_cols;
  bool norm_weights, has_shared;
};

// A token's way in float64.
struct TokenRoute {
  std::vector<double> normed, scores, probs;  // probs: not divided by their sum
  std::vector<std::int32_t> order;            // the likeliest first
};
TokenRoute wanted_route(const std::vector<float>& hidden, const std::vector<float>& norm,
                        const std::vector<float>& router, std::size_t t, std::size_t cols,
                        std::int32_t n_experts) {
  TokenRoute route;
  double squares = 0;
  for (std::size_t i = 0; i < cols; ++i)
    squares += static_cast<double>(hidden[t * cols + i]) * hidden[t * cols + i];
  const double factor = 1 / std::sqrt(squares / static_cast<double>(cols) + 1e-6);
  for (std::size_t i = 0; i < cols; ++i)
    route.normed.push_back(hidden[t * cols + i] * factor * norm[i]);
  for (std::size_t e = 0; e < router.size() / cols; ++e) {
    double score = 0;
    for (std::size_t i = 0; i < cols; ++i) score += route.normed[i] * router[e * cols + i];
    route.scores.push_back(score);
  }
  for (std::int32_t e = 0; e < n_experts; ++e) {
    route.probs.push_back(std::exp(route.scores[index(e)]));
    route.order.push_back(e);
  }
  std::ranges::stable_sort(route.order, [&](std::int32_t a, std::int32_t b) {
    return route.probs[index(a)] > route.probs[index(b)];
  });
  return route;
}

class Route : public testing::TestWithParam<RouteCase> {};

TEST_P(Route, ChoosesTheLikeliest) {
  REQUIRE_GPU();
  const RouteCase& c = GetParam();
  const DeviceContext context;
  const std::size_t cols = index(c.n_cols), n = index(c.n),
                    n_scores = index(c.n_experts + c.has_shared);
  const std::vector<float> hidden = random_floats(n * cols, 1), norm = random_floats(cols, 2);
  std::vector<float> router = random_floats(n_scores * cols, 3);
  // Experts 1 and 3 are the same: the lower number comes first.
  std::copy_n(router.begin() + c.n_cols, c.n_cols, router.begin() + 3 * c.n_cols);
  for (float& value : router) value /= std::sqrt(static_cast<float>(c.n_cols));
  const DeviceArray<float> hidden_on_device(hidden), norm_on_device(norm), router_on_device(router);
  std::vector<std::int32_t> slots(n, 0);
  if (c.n > 2) slots[1] = -1;  // padding
  const DeviceArray<std::int32_t> slots_on_device(slots);
  const std::vector<ExpertWeights> table(index(c.n_experts));
  const DeviceArray<ExpertWeights> table_on_device(table);

  ExpertLayer layer;
  layer.n_experts = c.n_experts;
  layer.n_experts_per_token = c.k;
  layer.hidden_size = c.n_cols;
  layer.norm_weights = c.norm_weights;
  layer.has_shared = c.has_shared;
  layer.table = table_on_device.data();
  layer.router = router_on_device.data();
  const StepOnDevice step(layer, c.n);
  const std::int64_t stride = padded_to(c.n_cols, 128);
  const DeviceArray<std::uint16_t> normed(n * index(stride));
  const ExpertRows rows = step.rows();
  for (int run = 0; run < 2; ++run) {  // the second one finds the counters as the first left them
    launch_route(context, layer,
                 {hidden_on_device.data(), norm_on_device.data(), 1e-6f, slots_on_device.data()},
                 c.n, reinterpret_cast<__nv_bfloat16*>(normed.data()), stride, step.choices(),
                 c.n <= kMaxDirectTokens ? &rows : nullptr);
    const std::vector<std::int32_t> got = step.experts.download();
    const std::vector<float> weights = step.weights.download();
    const std::vector<float> shared = step.shared_weights.download();
    const std::vector<std::uint16_t> got_normed = normed.download();
    for (std::size_t t = 0; t < n; ++t) {
      const TokenRoute want = wanted_route(hidden, norm, router, t, cols, c.n_experts);
      const std::vector<std::int32_t>& order = want.order;
      const std::vector<double>& probs = want.probs;
      const double sum = std::accumulate(probs.begin(), probs.end(), 0.0);
      double chosen = 0;
      for (std::int32_t s = 0; s < c.k; ++s) chosen += probs[index(order[index(s)])];
      for (std::int32_t s = 0; s < c.k; ++s) {
        const std::size_t at = t * index(c.k) + index(s);
        ASSERT_EQ(got[at], slots[t] < 0 ? -1 : order[index(s)]) << "token " << t << ", " << s;
        const double weight = probs[index(order[index(s)])] / (c.norm_weights ? chosen : sum);
        ASSERT_NEAR(weights[at], weight, weight * 1e-4) << "token " << t << ", " << s;
      }
      if (c.has_shared) {
        ASSERT_NEAR(shared[t], 1 / (1 + std::exp(-want.scores.back())), 1e-5);
      }
      for (std::size_t i = 0; i < cols; ++i) {
        ASSERT_NEAR(bf16_to_f32(got_normed[t * index(stride) + i]), want.normed[i],
                    std::abs(want.normed[i]) * 0.005);
      }
    }
    if (c.n > kMaxDirectTokens) continue;
    EXPECT_EQ(step.row_weights.download(), weights);
    const std::vector<ExpertChunk> chunks = step.chunks.download();
    const std::vector<std::int32_t> tokens = step.tokens.download();
    for (std::int32_t i = 0; i < step.n_rows; ++i) {
      EXPECT_EQ(chunks[index(i)].first_row, i);
      EXPECT_EQ(chunks[index(i)].n_rows, 1);
      EXPECT_EQ(tokens[index(i)], i / c.k);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Route,
    testing::Values(RouteCase{1, 128, 8, 2048, true, false}, RouteCase{2, 60, 4, 2048, false, true},
                    RouteCase{3, 5, 5, 36, true, true}, RouteCase{16, 128, 8, 512, true, false},
                    RouteCase{17, 60, 4, 132, false, true},
                    RouteCase{41, 512, 40, 1024, true, true},
                    RouteCase{70, 7, 2, 64, false, false}),
    [](const auto& info) {
      return std::to_string(info.param.n) + "_of_" + std::to_string(info.param.n_experts);
    });

TEST(Route, GivesExpertsToWhatIsNotANumber) {
  REQUIRE_GPU();
  const DeviceContext context;
  const std::vector<float> hidden(64, std::nanf("")), norm(64, 1.0f);
  const DeviceArray<float> hidden_on_device(hidden), norm_on_device(norm),
      router_on_device(random_floats(20 * 64, 3));
  ExpertLayer layer;
  layer.n_experts = 20;
  layer.n_experts_per_token = 6;
  layer.hidden_size = 64;
  layer.router = router_on_device.data();
  const StepOnDevice step(layer, 1);
  const DeviceArray<std::uint16_t> normed(128);
  launch_route(context, layer, {hidden_on_device.data(), norm_on_device.data(), 1e-6f, nullptr}, 1,
               reinterpret_cast<__nv_bfloat16*>(normed.data()), 128, step.choices(), nullptr);
  EXPECT_EQ(step.experts.download(), (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}));
}

// --- sorting ---

TEST(SortChoices, GroupsByExpertInTheOrderOfTokens) {
  REQUIRE_GPU();
  const DeviceContext context;
  std::mt19937 random(4);
  for (const std::int32_t n : {1, 3, 40, 700, 2048}) {
    for (const std::int32_t n_experts : {3, 128, 512}) {
      const std::int32_t k = std::min(n_experts, 8), chunk_rows = n < 100 ? 8 : 64;
      const std::vector<std::byte> places(
          index(n_experts));  // where nothing is, but pointers differ
      std::vector<ExpertWeights> table;
      for (const std::byte& place : places) table.push_back({&place, nullptr});
      const DeviceArray<ExpertWeights> table_on_device(table);
      ExpertLayer layer;
      layer.n_experts = n_experts;
      layer.n_experts_per_token = k;
      layer.table = table_on_device.data();
      StepOnDevice step(layer, n);
      std::vector<std::int32_t> experts, order(index(n_experts));
      std::iota(order.begin(), order.end(), 0);
      for (std::int32_t t = 0; t < n; ++t) {
        std::ranges::shuffle(order, random);
        for (std::int32_t s = 0; s < k; ++s)
          experts.push_back(t % 5 == 4 ? -1 : order[index(s)] / 2);
      }
      const std::vector<float> weights = random_floats(experts.size(), 5);
      step.experts.upload(experts);
      step.weights.upload(weights);
      launch_sort_choices(context, layer, n, chunk_rows, step.choices(), step.rows());

      std::vector<std::int32_t> want;  // choices in the order of rows
      for (std::int32_t e = 0; e < n_experts; ++e) {
        for (std::int32_t i = 0; i < step.n_rows; ++i)
          if (experts[index(i)] == e) want.push_back(i);
      }
      const std::vector<std::int32_t> tokens = step.tokens.download(),
                                      of_choices = step.of_choices.download();
      const std::vector<float> row_weights = step.row_weights.download();
      for (std::size_t row = 0; row < want.size(); ++row) {
        ASSERT_EQ(tokens[row], want[row] / k);
        ASSERT_EQ(row_weights[row], weights[index(want[row])]);
        ASSERT_EQ(of_choices[index(want[row])], static_cast<std::int32_t>(row));
      }
      for (std::int32_t i = 0; i < step.n_rows; ++i) {
        if (experts[index(i)] < 0) {
          ASSERT_EQ(of_choices[index(i)], -1);
        }
      }
      const std::vector<ExpertChunk> chunks = step.chunks.download();
      std::int32_t row = 0;
      const std::int32_t n_chunks = step.n_chunks.download()[0];
      for (std::int32_t i = 0; i < n_chunks; ++i) {
        const ExpertChunk& chunk = chunks[index(i)];
        ASSERT_EQ(chunk.first_row, row);
        ASSERT_TRUE(chunk.n_rows > 0 && chunk.n_rows <= chunk_rows);
        for (; row < chunk.first_row + chunk.n_rows; ++row)
          ASSERT_EQ(&places[index(experts[index(want[index(row)])])], chunk.weights.gate_up);
      }
      ASSERT_EQ(index(row), want.size());
    }
  }
}

}  // namespace
}  // namespace tinyllm::cuda
