// The linear operator: against float64, and each row against the same row in other company, bit for
// bit: alone, among all rows, given by index, with any number of threads. PickIsa's tests say which
// instruction sets this machine lacks.

#include "kernels/cpu/cpu_linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/every_isa_test.h"
#include "quant/decode.h"
#include "quant/quantise.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kCols = 544;  // 17 tiles: no whole super-block, as q4_0 and q8_0 may have
constexpr std::int64_t kMaxRows = 300;

// A matrix in a file format, and what it says in f32.
struct Matrix {
  Matrix(DType type, std::int64_t n_rows, std::int64_t n_cols, ThreadPool& pool, unsigned seed)
      : values(random_floats(n_rows * n_cols, seed)),
        bytes(n_rows * row_bytes(type, n_cols)),
        tensor{bytes.data(), type, {n_rows, n_cols}} {
    const Tensor source{
        reinterpret_cast<const std::byte*>(values.data()), DType::f32, {n_rows, n_cols}};
    if (type == DType::f32) {
      std::copy_n(source.data, bytes.size(), bytes.data());
    } else {
      EXPECT_TRUE(quantise_rows(source, 0, n_rows, type, bytes.data(), pool));
    }
    for (std::int64_t r = 0; r < n_rows; ++r)
      decode_row(type, tensor.row(r), values.data() + r * n_cols, n_cols);
  }

  std::vector<float> values;  // [n_rows, n_cols]
  std::vector<std::byte> bytes;
  Tensor tensor;
};

class CpuLinearTest : public EveryIsa {
 protected:
  // Rows of random values with some large groups, so that some have residual planes.
  InputRows make_rows(std::int64_t n_rows, std::int64_t n_cols = kCols, unsigned seed = 3) {
    const std::vector<float> values = random_floats(n_rows * n_cols, seed);
    InputRows rows(n_rows, n_cols);
    for (std::int64_t t = 0; t < n_rows; ++t) {
      for (std::int64_t i = 0; i < n_cols; ++i)
        rows.row(t)[i] = values[t * n_cols + i] * static_cast<float>(1 + (t + i / 32) % 5);
      rows.convert(kernels_, {.bf16 = kernels_.round_act != nullptr, .int8 = true}, t, 1.5f);
    }
    return rows;
  }
  PackedMatrix pack(const std::vector<Tensor>& parts, PartOrder order = PartOrder::stacked) {
    return PackedMatrix(parts, order, arena_, pool_, kernels_.bf16_panel != nullptr);
  }
  std::unique_ptr<CpuLinear> make_linear(ThreadPool& pool, std::int64_t max_gathered = kMaxRows,
                                         std::int64_t max_groups = 1) {
    auto linear = std::make_unique<CpuLinear>(pool, kernels_);
    linear->configure(kMaxRows, kCols, max_gathered, max_groups);
    return linear;
  }
  std::vector<float> product(CpuLinear& linear, const PackedMatrix& weights, const LinearInput& x) {
    std::vector<float> out(x.n_rows * weights.n_padded_rows(), -1.0f);
    linear.store(weights, x, out.data(), weights.n_padded_rows());
    return out;
  }

  ThreadPool pool_{1};
  Arena arena_{"test"};
};

// The value that stands for x[k] when weights are quantised.
double dequantised(const QuantisedRow& row, std::int64_t k) {
  const std::int64_t g = k / 32;
  double value = double{row.main.scale[g]} * row.main.q[k];
  if ((row.split[g / 8] >> g % 8 & 1) != 0)
    value += double{row.residual.scale[g]} * row.residual.q[k];
  return value;
}

TEST_P(CpuLinearTest, AgreesWithFloat64) {
  const auto linear = make_linear(pool_);
  constexpr std::int64_t kRows = 5, kOut = 70;  // the last panel is padded
  const InputRows x = make_rows(kRows);
  for (const DType type : {DType::f32, DType::bf16, DType::q8_0, DType::q4_0}) {
    const Matrix matrix(type, kOut, kCols, pool_, 7);
    const PackedMatrix weights = pack({matrix.tensor});
    const std::vector<float> got = product(*linear, weights, {x, kRows});
    for (std::int64_t t = 0; t < kRows; ++t) {
      for (std::int64_t r = 0; r < weights.n_padded_rows(); ++r) {
        double want = 0, size = 0;
        for (std::int64_t k = 0; k < kCols && r < kOut; ++k) {
          const double value = weights.reads().int8   ? dequantised(x.quantised()[t], k)
                               : weights.reads().bf16 ? bf16_to_f32(x.rounded(t)[k])
                                                      : x.row(t)[k];
          const double term = double{matrix.values[r * kCols + k]} * value;
          want += term;
          size += std::abs(term);
        }
        // At most a rounding an addition and one a scale: 2 K eps of the terms' sizes.
        ASSERT_NEAR(got[t * weights.n_padded_rows() + r], want, 2 * kCols * 0x1p-24 * size)
            << name(type) << " row " << t << " column " << r;
      }
    }
  }
}

// Formats that differ within one matrix, as q4_k_m files have them.
TEST_P(CpuLinearTest, ARowsResultIsTheSameInAnyCompany) {
  const Matrix first(DType::q8_0, 40, kCols, pool_, 7), second(DType::bf16, 96, kCols, pool_, 8);
  const Matrix third(DType::q4_0, 33, kCols, pool_, 9);
  const PackedMatrix weights = pack({first.tensor, second.tensor, third.tensor});
  const std::int64_t stride = weights.n_padded_rows();
  const InputRows x = make_rows(kMaxRows);
  const auto alone = make_linear(pool_);
  std::vector<float> want;
  for (std::int32_t t = 0; t < kMaxRows; ++t) {
    const std::vector<float> row = product(*alone, weights, {x, 1, &t});
    want.insert(want.end(), row.begin(), row.end());
  }
  for (const int n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    const auto linear = make_linear(pool);
    for (const std::int64_t n : {1, 2, 7, 128, 129, 300}) {
      SCOPED_TRACE(std::to_string(n) + " rows, threads " + std::to_string(n_threads));
      const std::vector<float> all = product(*linear, weights, {x, n});
      ASSERT_TRUE(std::equal(all.begin(), all.end(), want.begin()));
      std::vector<std::int32_t> indices(n);  // out of order, some of them twice
      for (std::int64_t i = 0; i < n; ++i)
        indices[i] = static_cast<std::int32_t>((7 * i + 5) % (kMaxRows - 11));
      const std::vector<float> gathered = product(*linear, weights, {x, n, indices.data()});
      for (std::int64_t i = 0; i < n; ++i) {
        ASSERT_TRUE(std::equal(gathered.begin() + i * stride, gathered.begin() + (i + 1) * stride,
                               want.begin() + indices[i] * stride))
            << "row " << i;
      }
    }
  }
}

// Three workers share out the blocks of a prompt as well as the panels: 2 are few for 3.
TEST_P(CpuLinearTest, WorkersWithBlocksOfTheirOwnChangeNothing) {
  constexpr std::int64_t kRows = 300, kOut = 45;
  ThreadPool workers{3};
  CpuLinear alone(pool_, kernels_), shared(workers, kernels_);
  alone.configure(kRows, kCols, /*max_gathered_rows=*/0);
  shared.configure(kRows, kCols, /*max_gathered_rows=*/0);
  const InputRows x = make_rows(kRows);
  for (const DType type : {DType::bf16, DType::q4_0}) {
    const Matrix matrix(type, kOut, kCols, pool_, 7);
    const PackedMatrix weights = pack({matrix.tensor});
    EXPECT_EQ(product(alone, weights, {x, kRows}), product(shared, weights, {x, kRows}));
  }
}

TEST_P(CpuLinearTest, AddsToWhatIsThere) {
  constexpr std::int64_t kRows = 9, kOut = 45;
  const Matrix matrix(DType::q8_0, kOut, kCols, pool_, 7);
  const PackedMatrix weights = pack({matrix.tensor});
  const InputRows x = make_rows(kRows);
  const std::vector<float> before = random_floats(kRows * kOut, 11), bias = random_floats(kOut, 12);
  const auto linear = make_linear(pool_);
  const std::vector<float> y = product(*linear, weights, {x, kRows});
  for (const bool with_bias : {false, true}) {
    std::vector<float> out = before;
    out.push_back(5.0f);
    linear->add(weights, {x, kRows}, with_bias ? bias.data() : nullptr, out.data(), kOut);
    for (std::int64_t t = 0; t < kRows; ++t) {
      for (std::int64_t r = 0; r < kOut; ++r) {
        float want = before[t * kOut + r] + y[t * weights.n_padded_rows() + r];
        if (with_bias) want += bias[r];
        ASSERT_EQ(out[t * kOut + r], want) << t << ", " << r;
      }
    }
    EXPECT_EQ(out.back(), 5.0f) << "past the last row";
  }
}

TEST_P(CpuLinearTest, GateAndUpMeetInTheirRow) {
  constexpr std::int64_t kRows = 131, kOut = 45;
  const Matrix gate(DType::q8_0, kOut, kCols, pool_, 7), up(DType::q4_0, kOut, kCols, pool_, 8);
  const PackedMatrix weights = pack({gate.tensor, up.tensor}, PartOrder::interleaved);
  const PackedMatrix gate_alone = pack({gate.tensor}), up_alone = pack({up.tensor});
  const std::int64_t stride = gate_alone.n_padded_rows();
  const InputRows x = make_rows(kRows);
  const std::vector<float> bias = random_floats(2 * kOut, 12);
  ThreadPool pool(2);
  const auto linear = make_linear(pool);
  std::vector<float> gates = product(*linear, gate_alone, {x, kRows});
  std::vector<float> ups = product(*linear, up_alone, {x, kRows});
  InputRows out(kRows, kOut);
  linear->store_gated(weights, {x, kRows}, bias.data(), out, kOut);
  for (std::int64_t t = 0; t < kRows; ++t) {
    float *gate_row = gates.data() + t * stride, *up_row = ups.data() + t * stride;
    kernels_.add(gate_row, bias.data(), kOut);
    kernels_.add(up_row, bias.data() + kOut, kOut);
    for (std::int64_t col = 0; col < kOut; col += kTileRows) {
      kernels_.silu_mul(gate_row + col, up_row + col, gate_row + col,
                        std::min(kTileRows, kOut - col));
    }
    ASSERT_TRUE(std::equal(gate_row, gate_row + kOut, out.row(t))) << "row " << t;
    for (std::int64_t i = kOut; i < out.stride(); ++i) ASSERT_EQ(out.row(t)[i], 0.0f) << "padding";
  }
}

// Experts: groups of one row, of a few, of more than a panel takes; quantised and float matrices.
TEST_P(CpuLinearTest, GroupsAreProductsOfTheirOwn) {
  constexpr std::int64_t kOut = 45, kStride = 64;
  const Matrix quantised(DType::q4_0, kOut, kCols, pool_, 7),
      other(DType::q8_0, kOut, kCols, pool_, 8);
  const Matrix plain(DType::bf16, kOut, kCols, pool_, 9);
  std::vector<PackedMatrix> stacked, gated;
  for (const Matrix* matrix : {&quantised, &other, &plain}) {
    stacked.push_back(pack({matrix->tensor}));
    gated.push_back(pack({matrix->tensor, matrix->tensor}, PartOrder::interleaved));
  }
  const InputRows x = make_rows(kMaxRows);
  std::vector<std::int32_t> indices(kMaxRows);
  for (std::int32_t i = 0; i < kMaxRows; ++i) indices[i] = (7 * i + 5) % (kMaxRows - 11);
  for (const int n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    const auto linear = make_linear(pool, kMaxRows, /*max_groups=*/6);
    const std::int64_t sizes[] = {1, 130, 1, 2, 150, 16};
    std::vector<LinearGroup> groups;
    std::int64_t first = 0;
    for (std::size_t g = 0; g < std::size(sizes); ++g) {
      groups.push_back({&stacked[g % 3], kOut, first, sizes[g]});
      first += sizes[g];
    }
    std::vector<float> got(kMaxRows * kStride);
    InputRows got_gated(kMaxRows, kOut);
    linear->store(groups, {x, kMaxRows, indices.data()}, got.data(), kStride);
    for (std::size_t g = 0; g < groups.size(); ++g) groups[g].weights = &gated[g % 3];
    linear->store_gated(groups, {x, kMaxRows, indices.data()}, got_gated);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (std::int64_t t = groups[g].first_row; t < groups[g].first_row + groups[g].n_rows; ++t) {
        const std::vector<float> want = product(*linear, stacked[g % 3], {x, 1, &indices[t]});
        ASSERT_TRUE(std::equal(want.begin(), want.end(), got.begin() + t * kStride))
            << g << ", " << t;
        InputRows want_gated(1, kOut);
        linear->store_gated(gated[g % 3], {x, 1, &indices[t]}, nullptr, want_gated, kOut);
        ASSERT_TRUE(std::equal(want_gated.row(0), want_gated.row(0) + kStride, got_gated.row(t)))
            << g << ", " << t;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, CpuLinearTest, testing::ValuesIn(testable_isas()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tinyllm
