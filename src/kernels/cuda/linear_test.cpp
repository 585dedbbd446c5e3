// launch_linear and its plain twins against float64, on the same dequantised weights.

#include "kernels/cuda/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "kernels/cuda/packed_on_device_test.h"

namespace tinyllm::cuda {
namespace {

std::vector<double> product(const PackedOnDevice& w, const Rows& x, std::int64_t n) {
  const std::int64_t n_rows = w.weights.n_padded_rows, n_cols = w.plan.n_cols;
  std::vector<double> y(static_cast<std::size_t>(n * n_rows));
  std::vector<double> row(static_cast<std::size_t>(n_cols));
  for (std::int64_t i = 0; i < n_rows; ++i) {
    for (std::int64_t k = 0; k < n_cols; ++k) row[static_cast<std::size_t>(k)] = w.value(i, k);
    for (std::int64_t b = 0; b < n; ++b) {
      double sum = 0;
      for (std::int64_t k = 0; k < n_cols; ++k)
        sum += row[static_cast<std::size_t>(k)] * x.value(b, k);
      y[static_cast<std::size_t>(b * n_rows + i)] = sum;
    }
  }
  return y;
}

// Of sums of up to 4864 f32 terms on the tensor cores, which round toward zero.
constexpr double kSumError = 2e-5;

using Case = std::tuple<DType, int, LinearTuning>;

class Linear : public testing::TestWithParam<Case> {};

TEST_P(Linear, IsTheProduct) {
  REQUIRE_GPU();
  const auto& [dtype, n, tuning] = GetParam();
  const DeviceContext context;
  const RandomMatrix matrix(dtype, 75, 768, 11);
  const Tensor tensor = matrix.tensor();
  const PackedOnDevice w({&tensor, 1}, PartOrder::stacked);
  const Rows x(n, matrix.n_cols, 12);
  const std::vector<double> all = product(w, x, n);
  const std::vector<float> bias = random_floats(75, 13);
  const DeviceArray<float> bias_on_device(bias);
  std::vector<double> want;
  for (int b = 0; b < n; ++b) {
    for (std::size_t i = 0; i < 75; ++i)
      want.push_back(all[static_cast<std::size_t>(b) * 80 + i] + static_cast<double>(bias[i]));
  }
  DeviceArray<float> out(want.size());
  LinearOutput output{LinearEpilogue::store, out.data(), nullptr, 75, bias_on_device.data()};
  std::vector<float> first;
  for (int run = 0; run < 3; ++run) {
    out.poison();
    launch_linear(context, w.weights, x.input(), n, output, tuning);
    const std::vector<float> got = out.download();
    ASSERT_LT(relative_error(got, want), kSumError);
    if (run == 0) first = got;
    ASSERT_EQ(got, first) << "run " << run;
  }
  output.epilogue = LinearEpilogue::add;  // on top of what is there
  for (double& value : want) value *= 2;
  launch_linear(context, w.weights, x.input(), n, output, tuning);
  EXPECT_LT(relative_error(out.download(), want), kSumError);

  out.poison();
  output.epilogue = LinearEpilogue::store;
  launch_naive_linear(context, w.weights, x.input(), n, output);
  for (double& value : want) value /= 2;
  EXPECT_LT(relative_error(out.download(), want), kSumError);
}

constexpr LinearTuning kTunings[] = {{}, {4, 2, 1, 2, 1}, {8, 1, 2, 4, 1}, {2, 2, 1, 1, 1}};
constexpr DType kDtypes[] = {DType::bf16, DType::q8_0, DType::q6_k,
                             DType::q5_k, DType::q4_0, DType::q4_k};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const DType dtype : kDtypes) {
    for (const int n : {1, 2, 7, 8, 9, 16, 17, 32, 33, 64, 65, 130}) {
      for (const LinearTuning& tuning : kTunings) all.emplace_back(dtype, n, tuning);
    }
  }
  return all;
}
std::string case_name(const testing::TestParamInfo<Case>& info) {
  const LinearTuning& tuning = std::get<2>(info.param);
  return std::string(name(std::get<0>(info.param))) + "_" +
         std::to_string(std::get<1>(info.param)) + "_k" + std::to_string(tuning.k_warps) + "c" +
         std::to_string(tuning.cluster);
}
INSTANTIATE_TEST_SUITE_P(All, Linear, testing::ValuesIn(cases()), case_name);

class LinearRows : public testing::TestWithParam<DType> {};

// The bits of a row alone, beside others, and in the last tile of a large product.
TEST_P(LinearRows, DoNotDependOnTheOthersWhereThatIsAskedFor) {
  REQUIRE_GPU();
  DeviceOptions options;
  options.deterministic = true;
  const DeviceContext context(options);
  for (const auto& [n_rows, n_cols] : {std::pair{75, 768}, {4400, 2048}}) {
    const RandomMatrix matrix(GetParam(), n_rows, n_cols, 51);
    const Tensor tensor = matrix.tensor();
    const PackedOnDevice w({&tensor, 1}, PartOrder::stacked);
    const Rows x(150, n_cols, 52);
    const auto rows = static_cast<std::size_t>(n_rows);
    const DeviceArray<float> bias(random_floats(rows, 53));
    const std::vector<float> before = random_floats(150 * rows, 54);
    DeviceArray<float> out(before.size());
    const auto add = [&](std::size_t first, int n) {
      LinearInput input = x.input();
      input.x += static_cast<std::int64_t>(first) * x.stride;
      out.upload(before);
      launch_linear(context, w.weights, input, n,
                    {LinearEpilogue::add, out.data() + first * rows, nullptr, n_rows, bias.data()});
      return out.download();
    };
    const std::vector<float> all = add(0, 150);
    for (const int n : {1, 2, 7, 9, 17, 33, 64}) {
      for (const std::size_t first : {0u, 64u, 86u}) {
        const std::vector<float> some = add(first, n);
        for (std::size_t i = 0; i < some.size(); ++i) {
          const std::size_t row = i / rows;
          const bool is_new = row >= first && row < first + static_cast<std::size_t>(n);
          ASSERT_EQ(some[i], is_new ? all[i] : before[i])
              << n << " rows from " << first << " of " << n_rows << ", row " << row;
        }
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, LinearRows, testing::ValuesIn(kDtypes),
                         [](const auto& info) { return std::string(name(info.param)); });

class LinearFormat : public testing::TestWithParam<DType> {};

TEST_P(LinearFormat, NormalisesItsInput) {
  REQUIRE_GPU();
  const DeviceContext context;
  const std::int64_t n_cols = info(GetParam()).block_elems == 256 ? 768 : 896;
  const RandomMatrix matrix(GetParam(), 64, n_cols, 21);
  const Tensor tensor = matrix.tensor();
  const PackedOnDevice w({&tensor, 1}, PartOrder::stacked);
  for (const int n : {1, 3, 8}) {
    const auto cols = static_cast<std::size_t>(n_cols);
    std::vector<float> hidden = random_floats(static_cast<std::size_t>(n) * cols, 22);
    for (float& value : hidden) value *= 7.0f;
    const std::vector<float> norm = random_floats(cols, 23);
    std::vector<double> want;
    for (std::size_t b = 0; b < static_cast<std::size_t>(n); ++b) {
      double squares = 0;
      for (std::size_t k = 0; k < cols; ++k)
        squares += static_cast<double>(hidden[b * cols + k]) * hidden[b * cols + k];
      const double factor = 1 / std::sqrt(squares / static_cast<double>(n_cols) + 1e-6);
      for (std::int64_t i = 0; i < 64; ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < cols; ++k)
          sum += w.value(i, static_cast<std::int64_t>(k)) * factor *
                 static_cast<double>(hidden[b * cols + k]) * norm[k];
        want.push_back(sum);
      }
    }
    const DeviceArray<float> hidden_on_device(hidden), norm_on_device(norm);
    LinearInput input;
    input.hidden = hidden_on_device.data();
    input.norm = norm_on_device.data();
    input.norm_eps = 1e-6f;
    input.stride = n_cols;
    DeviceArray<float> out(want.size());
    launch_linear(context, w.weights, input, n,
                  {LinearEpilogue::store, out.data(), nullptr, 64, nullptr});
    EXPECT_LT(relative_error(out.download(), want), 3e-3) << n;  // x is rounded to bf16
  }
}

TEST_P(LinearFormat, GatesItsTwoHalves) {
  REQUIRE_GPU();
  enum class Launch { fast, deterministic, naive };
  DeviceOptions options;
  options.deterministic = true;
  const DeviceContext context, deterministic(options);
  const RandomMatrix gate(GetParam(), 44, 512, 31), up(GetParam(), 44, 512, 32);
  const Tensor parts[] = {gate.tensor(), up.tensor()};
  const PackedOnDevice w(parts, PartOrder::interleaved);
  const std::vector<float> bias = random_floats(88, 33);
  const DeviceArray<float> bias_on_device(bias);
  for (const int n : {1, 5, 20, 64}) {
    const Rows x(n, 512, 34);
    const std::vector<double> y = product(w, x, n);
    std::vector<double> want;
    for (std::size_t b = 0; b < static_cast<std::size_t>(n); ++b) {
      for (std::size_t i = 0; i < 44; ++i) {
        const std::size_t row = b * 96 + i / 8 * 16 + i % 8;
        const double g = y[row] + static_cast<double>(bias[i]);
        want.push_back(g / (1 + std::exp(-g)) * (y[row + 8] + static_cast<double>(bias[44 + i])));
      }
    }
    DeviceArray<std::uint16_t> out(want.size());
    LinearOutput output;
    output.epilogue = LinearEpilogue::gate;
    output.gated = reinterpret_cast<__nv_bfloat16*>(out.data());
    output.stride = 44;
    output.bias = bias_on_device.data();
    for (const auto launch : {Launch::fast, Launch::deterministic, Launch::naive}) {
      out.poison();
      if (launch == Launch::naive) {
        launch_naive_linear(context, w.weights, x.input(), n, output);
      } else {
        launch_linear(launch == Launch::fast ? context : deterministic, w.weights, x.input(), n,
                      output);
      }
      std::vector<float> got;
      for (const std::uint16_t bits : out.download()) got.push_back(bf16_to_f32(bits));
      EXPECT_LT(relative_error(got, want), 3e-3) << n;
    }
  }
}

TEST_P(LinearFormat, DequantisesRows) {
  REQUIRE_GPU();
  if (GetParam() == DType::bf16) return;  // cuBLASLt reads it as it is
  const DeviceContext context;
  const std::int64_t n_cols = info(GetParam()).block_elems == 256 ? 512 : 480;
  const RandomMatrix matrix(GetParam(), 50, n_cols, 41);
  const Tensor tensor = matrix.tensor();
  const PackedOnDevice w({&tensor, 1}, PartOrder::stacked);
  DeviceArray<std::uint16_t> out(30 * 512);
  launch_dequantise(context, w.weights, 16, 30, reinterpret_cast<__nv_bfloat16*>(out.data()));
  const std::vector<std::uint16_t> got = out.download();
  for (std::int64_t i = 0; i < 30; ++i) {
    for (std::int64_t k = 0; k < 512; ++k) {
      const float value = k < n_cols ? static_cast<float>(w.value(16 + i, k)) : 0.0f;
      ASSERT_NEAR(bf16_to_f32(got[static_cast<std::size_t>(i * 512 + k)]), value,
                  std::abs(value) * 0.004f)
          << i << " " << k;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, LinearFormat, testing::ValuesIn(kDtypes),
                         [](const auto& info) { return std::string(name(info.param)); });

}  // namespace
}  // namespace tinyllm::cuda
