// The experts' products and sums against float64, on the same dequantised weights.

#include "kernels/cuda/experts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>

#include "kernels/cuda/expert_step_test.h"

namespace tinyllm::cuda {
namespace {

// --- sums ---

TEST(AddExperts, AddsATokensRowsAndTheSharedExpert) {
  REQUIRE_GPU();
  const DeviceContext context;
  const std::size_t n = 5, cols = 1028, chosen = 3;
  ExpertLayer layer;
  layer.n_experts = 4;
  layer.n_experts_per_token = 3;
  layer.hidden_size = 1028;
  StepOnDevice step(layer, 5);
  std::vector<std::int32_t> of_choices(n * chosen);
  std::iota(of_choices.begin(), of_choices.end(), 0);
  std::ranges::shuffle(of_choices, std::mt19937(9));
  of_choices[4] = -1;  // padding
  step.of_choices.upload(of_choices);
  const std::vector<float> shared_weights = random_floats(n, 12);
  step.shared_weights.upload(shared_weights);
  const std::vector<float> hidden = random_floats(n * cols, 10),
                           shared = random_floats(n * cols, 11),
                           out = random_floats(n * chosen * cols, 13);
  const DeviceArray<float> shared_on_device(shared), out_on_device(out);
  for (const bool has_out : {true, false}) {
    std::vector<double> want(hidden.begin(), hidden.end());
    for (std::size_t i = 0; i < want.size(); ++i) {
      const std::size_t t = i / cols;
      if (!has_out) want[i] += static_cast<double>(shared_weights[t]) * shared[i];
      for (std::size_t s = 0; has_out && s < chosen; ++s) {
        const std::int32_t row = of_choices[t * chosen + s];
        if (row >= 0) want[i] += out[index(row) * cols + i % cols];
      }
    }
    const DeviceArray<float> hidden_on_device(hidden);
    launch_add_experts(context, layer, 5, step.choices(), step.rows(),
                       has_out ? out_on_device.data() : nullptr,
                       has_out ? nullptr : shared_on_device.data(), hidden_on_device.data());
    EXPECT_LT(relative_error(hidden_on_device.download(), want), 1e-6);
  }
}

// --- products ---

constexpr double kSumError = 2e-5;  // as in linear_test.cpp
// Against weights rounded to bf16 here, a few of which the device, whose f32 steps are others, rounds to
// their other neighbour.
constexpr double kRoundedError = 1e-4;

// All values of a matrix, [n_padded_rows, n_cols].
std::vector<float> values_of(const PackedOnDevice& w) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < w.weights.n_padded_rows; ++i) {
    for (std::int64_t k = 0; k < w.plan.n_cols; ++k)
      values.push_back(static_cast<float>(w.value(i, k)));
  }
  return values;
}

double product(const std::vector<float>& w, std::int64_t row, const Rows& x, std::int64_t x_row,
               std::int64_t n_cols) {
  double sum = 0;
  for (std::int64_t k = 0; k < n_cols; ++k)
    sum += static_cast<double>(w[index(row * n_cols + k)]) * x.value(x_row, k);
  return sum;
}

// Some experts of odd sizes on the device.
struct ExpertsOnDevice {
  ExpertsOnDevice(DType dtype, std::int32_t n_experts, std::int32_t hidden_size,
                  std::int32_t intermediate_size) {
    for (std::int32_t e = 0; e < n_experts; ++e) {
      const auto seed = static_cast<std::uint64_t>(e);
      const RandomMatrix gate(dtype, intermediate_size, hidden_size, 3 * seed),
          up(dtype, intermediate_size, hidden_size, 3 * seed + 1),
          wide(dtype, hidden_size, intermediate_size, 3 * seed + 2);
      const Tensor parts[] = {gate.tensor(), up.tensor()}, part = wide.tensor();
      gate_up.emplace_back(parts, PartOrder::interleaved);
      down.emplace_back(std::span(&part, 1), PartOrder::stacked);
      table.push_back({gate_up.back().device.data(), down.back().device.data()});
      gate_up_values.push_back(values_of(gate_up.back()));
      down_values.push_back(values_of(down.back()));
    }
    table_on_device = std::make_unique<DeviceArray<ExpertWeights>>(table);
    layer.n_experts = n_experts;
    layer.hidden_size = hidden_size;
    layer.intermediate_size = intermediate_size;
    layer.gate_up_format = gate_up[0].weights.format;
    layer.down_format = down[0].weights.format;
    layer.table = table_on_device->data();
  }
  // The weights as tiles on wgmma take them.
  void round_values() {
    for (auto* const all : {&gate_up_values, &down_values}) {
      for (std::vector<float>& values : *all) {
        for (float& value : values) value = bf16_to_f32(f32_to_bf16(value));
      }
    }
  }
  std::deque<PackedOnDevice> gate_up, down;
  std::vector<std::vector<float>> gate_up_values, down_values;
  std::vector<ExpertWeights> table;
  std::unique_ptr<DeviceArray<ExpertWeights>> table_on_device;
  ExpertLayer layer;
};

std::vector<float> as_floats(const std::vector<std::uint16_t>& bits) {
  std::vector<float> values;
  for (const std::uint16_t b : bits) values.push_back(bf16_to_f32(b));
  return values;
}

// The columns of x that are not padding.
std::vector<float> without_padding(const std::vector<float>& x, std::int64_t stride,
                                   std::int64_t n) {
  std::vector<float> values;
  for (std::size_t row = 0; row < x.size() / index(stride); ++row)
    values.insert(values.end(), x.begin() + static_cast<std::ptrdiff_t>(row * index(stride)),
                  x.begin() + static_cast<std::ptrdiff_t>(row * index(stride)) + n);
  return values;
}

using ProductCase = std::tuple<DType, int>;

class ExpertProducts : public testing::TestWithParam<ProductCase> {
 protected:
  static constexpr std::int32_t kExperts = 6, kHidden = 768, kIntermediate = 512, kChosen = 3;

  // gated and out of every row. x: of tokens; y: of rows.
  static std::pair<std::vector<double>, std::vector<double>> wanted(
      const ExpertsOnDevice& experts, const std::vector<std::int32_t>& chosen,
      const std::vector<float>& weights, const std::vector<std::int32_t>& of_choices, const Rows& x,
      const Rows& y) {
    std::vector<double> gated(chosen.size() * kIntermediate), out(chosen.size() * kHidden);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const std::size_t row = index(of_choices[i]), expert = index(chosen[i]);
      const std::int64_t token = static_cast<std::int64_t>(i) / kChosen;
      const std::vector<float>& w = experts.gate_up_values[expert];
      for (std::int32_t j = 0; j < kIntermediate; ++j) {
        const double gate = product(w, interleaved_row(j, 0), x, token, kHidden);
        const double up = product(w, interleaved_row(j, 1), x, token, kHidden);
        gated[row * kIntermediate + index(j)] = weights[i] * gate / (1 + std::exp(-gate)) * up;
      }
      for (std::int32_t j = 0; j < kHidden; ++j)
        out[row * kHidden + index(j)] =
            product(experts.down_values[expert], j, y, of_choices[i], kIntermediate);
    }
    return {gated, out};
  }
};

TEST_P(ExpertProducts, AreTheirRowsProducts) {
  REQUIRE_GPU();
  const auto& [dtype, n] = GetParam();
  const DeviceContext context;
  ExpertsOnDevice experts(dtype, kExperts, kHidden, kIntermediate);
  ExpertLayer& layer = experts.layer;
  layer.n_experts_per_token = kChosen;
  StepOnDevice step(layer, n);
  std::mt19937 random(6);
  std::vector<std::int32_t> chosen, order(kExperts);
  std::iota(order.begin(), order.end(), 0);
  for (int t = 0; t < n; ++t) {  // expert 0 is everybody's
    std::shuffle(order.begin() + 1, order.end(), random);
    chosen.insert(chosen.end(), order.begin(), order.begin() + kChosen);
  }
  std::vector<float> weights = random_floats(chosen.size(), 7);
  step.experts.upload(chosen);
  step.weights.upload(weights);
  const std::int32_t chunk_rows = expert_chunk_rows(context, layer, n);
  launch_sort_choices(context, layer, n, chunk_rows, step.choices(), step.rows());
  const std::vector<std::int32_t> of_choices = step.of_choices.download();

  const Rows x(n, kHidden, 8), y(step.n_rows, kIntermediate, 9);
  const auto exact = wanted(experts, chosen, weights, of_choices, x, y);
  const bool rounds = chunk_rows > kMaxChunkRows && dtype != DType::bf16;
  if (rounds) experts.round_values();
  const auto rounded = rounds ? wanted(experts, chosen, weights, of_choices, x, y) : exact;
  const std::int64_t stride = kIntermediate + 8;
  DeviceArray<std::uint16_t> gated(index(step.n_rows * stride));
  DeviceArray<float> out(exact.second.size());
  const ExpertRowCount count{step.n_rows, chunk_rows, false};
  std::vector<float> first_out;
  std::vector<std::uint16_t> first_gated;
  for (int run = 0; run < 4; ++run) {
    gated.poison();
    out.poison();
    auto* gated_at = reinterpret_cast<__nv_bfloat16*>(gated.data());
    const bool naive = run == 3;
    const auto& [want_gated, want_out] = naive ? exact : rounded;
    (naive ? launch_naive_expert_gate_up : launch_expert_gate_up)(
        context, layer, step.rows(), count, x.input().x, x.stride, gated_at, stride);
    (naive ? launch_naive_expert_down : launch_expert_down)(context, layer, step.rows(), count,
                                                            y.input().x, y.stride, out.data());
    const std::vector<std::uint16_t> bits = gated.download();
    EXPECT_LT(relative_error(without_padding(as_floats(bits), stride, kIntermediate), want_gated),
              3e-3);
    const std::vector<float> got = out.download();
    EXPECT_LT(relative_error(got, want_out), rounds && !naive ? kRoundedError : kSumError);
    if (run == 0) first_out = got, first_gated = bits;
    if (run == 0 || naive) continue;
    EXPECT_EQ(got, first_out);
    EXPECT_EQ(bits, first_gated);
  }
}

// Where the order of additions is fixed, a row has the same bits in chunks of any size, in the kernel of few
// rows and in tiles.
TEST_P(ExpertProducts, DoNotDependOnTheChunkWhereThatIsAskedFor) {
  REQUIRE_GPU();
  const auto& [dtype, n] = GetParam();
  DeviceOptions options;
  options.deterministic = true;
  const DeviceContext context(options);
  ExpertsOnDevice experts(dtype, kExperts, kHidden, kIntermediate);
  ExpertLayer& layer = experts.layer;
  layer.n_experts_per_token = kChosen;
  StepOnDevice step(layer, n);
  std::vector<std::int32_t> chosen;
  for (std::int32_t i = 0; i < step.n_rows; ++i)  // expert 0 is everybody's
    chosen.push_back(i % kChosen == 0 ? 0 : 1 + i % (kExperts - 1));
  step.experts.upload(chosen);
  step.weights.upload(random_floats(chosen.size(), 7));
  const Rows x(n, kHidden, 8), y(step.n_rows, kIntermediate, 9);
  const std::int64_t stride = kIntermediate + 8;
  DeviceArray<std::uint16_t> gated(index(step.n_rows * stride));
  DeviceArray<float> out(index(step.n_rows) * kHidden);
  std::vector<float> first_out;
  std::vector<std::uint16_t> first_gated;
  const std::int32_t most = expert_chunk_rows(context, layer, 1000);
  for (const std::int32_t chunk_rows : {8, 16, most}) {
    launch_sort_choices(context, layer, n, chunk_rows, step.choices(), step.rows());
    const ExpertRowCount count{step.n_rows, chunk_rows, false};
    gated.poison();
    out.poison();
    launch_expert_gate_up(context, layer, step.rows(), count, x.input().x, x.stride,
                          reinterpret_cast<__nv_bfloat16*>(gated.data()), stride);
    launch_expert_down(context, layer, step.rows(), count, y.input().x, y.stride, out.data());
    if (chunk_rows == 8) first_out = out.download(), first_gated = gated.download();
    EXPECT_EQ(out.download(), first_out) << "chunks of " << chunk_rows;
    EXPECT_EQ(gated.download(), first_gated) << "chunks of " << chunk_rows;
  }
}

// A chunk for each choice, as the router writes them for few tokens.
TEST_P(ExpertProducts, AddUpATokensExperts) {
  REQUIRE_GPU();
  const auto& [dtype, n] = GetParam();
  if (n > kMaxDirectTokens) return;
  const DeviceContext context;
  ExpertsOnDevice experts(dtype, kExperts, kHidden, kIntermediate);
  ExpertLayer& layer = experts.layer;
  layer.n_experts_per_token = kChosen;
  StepOnDevice step(layer, n);
  std::vector<ExpertChunk> chunks;
  std::vector<std::int32_t> tokens, chosen;
  for (std::int32_t i = 0; i < step.n_rows; ++i) {
    chosen.push_back((i * 5 + 1) % kExperts);
    tokens.push_back(i / kChosen);
    chunks.push_back({experts.table[index(chosen.back())], i, 1});
  }
  const std::vector<float> weights = random_floats(chosen.size(), 7);
  step.chunks.upload(chunks);
  step.tokens.upload(tokens);
  step.row_weights.upload(weights);
  const Rows x(n, kHidden, 8), y(step.n_rows, kIntermediate, 9);
  const std::vector<float> hidden = random_floats(index(n) * kHidden, 10);
  std::vector<double> want(hidden.begin(), hidden.end());
  for (std::int32_t i = 0; i < step.n_rows; ++i) {
    const std::vector<float>& w = experts.down_values[index(chosen[index(i)])];
    for (std::int32_t j = 0; j < kHidden; ++j)
      want[index(i / kChosen * kHidden + j)] += product(w, j, y, i, kIntermediate);
  }
  std::vector<float> first;
  for (int run = 0; run < 3; ++run) {
    DeviceArray<float> hidden_on_device(hidden);
    launch_expert_down_sum(context, layer, step.rows(), n, y.input().x, y.stride,
                           hidden_on_device.data());
    const std::vector<float> got = hidden_on_device.download();
    EXPECT_LT(relative_error(got, want), kSumError);
    if (run == 0) first = got;
    EXPECT_EQ(got, first);
  }
  const std::int64_t stride = kIntermediate + 8;
  const ExpertRowCount count{step.n_rows, 1, true};
  std::vector<std::vector<float>> gated;
  for (const auto launch : {launch_expert_gate_up, launch_naive_expert_gate_up}) {
    const DeviceArray<std::uint16_t> bits(index(step.n_rows * stride));
    launch(context, layer, step.rows(), count, x.input().x, x.stride,
           reinterpret_cast<__nv_bfloat16*>(bits.data()), stride);
    gated.push_back(without_padding(as_floats(bits.download()), stride, kIntermediate));
  }
  const std::vector<double> naive(gated[1].begin(), gated[1].end());
  EXPECT_LT(relative_error(gated[0], naive), 4e-3);
}

INSTANTIATE_TEST_SUITE_P(All, ExpertProducts,
                         testing::Combine(testing::Values(DType::bf16, DType::q8_0, DType::q6_k,
                                                          DType::q5_k, DType::q4_0, DType::q4_k),
                                          testing::Values(1, 2, 7, 12, 30, 100, 180, 300)),
                         [](const auto& info) {
                           return std::string(name(std::get<0>(info.param))) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace tinyllm::cuda
