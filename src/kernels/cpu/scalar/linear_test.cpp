#include "kernels/cpu/scalar/linear.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"
#include "quant/decode.h"

namespace tinyllm::scalar {
namespace {

struct Case {
  DType dtype;
  std::int64_t n_rows, n_cols;
};

// The weight as bytes in its format, and the f32 values that these stand for.
struct Weight {
  std::vector<std::byte> bytes;
  std::vector<float> values;
  Tensor tensor;
};

Weight make_weight(const Case& c) {
  Weight weight;
  weight.values = random_values(c.n_rows * c.n_cols, 3);
  const std::int64_t stride = row_bytes(c.dtype, c.n_cols);
  weight.bytes.resize(c.n_rows * stride);
  for (std::int64_t n = 0; n < c.n_rows; ++n) {
    float* row = weight.values.data() + n * c.n_cols;
    std::byte* row_data = weight.bytes.data() + n * stride;
    encode_row(c.dtype, row, row_data, c.n_cols);
    decode_row(c.dtype, row_data, row, c.n_cols);
  }
  weight.tensor = {weight.bytes.data(), c.dtype, {c.n_rows, c.n_cols}};
  return weight;
}

TEST(Linear, MatchesFloat64InEveryFormat) {
  // Fewer rows than a tile, a ragged last tile, one column tile exactly, several and a ragged one.
  for (const Case& c :
       {Case{DType::f32, 3, 17}, Case{DType::f16, 11, 1024}, Case{DType::bf16, 8, 1},
        Case{DType::q8_0, 9, 1056}, Case{DType::q4_0, 20, 576}, Case{DType::q4_1, 17, 2080},
        Case{DType::q4_k, 10, 2304}}) {
    const Weight weight = make_weight(c);
    constexpr std::int64_t kTokens = 3;
    const std::vector<float> x = random_values(kTokens * c.n_cols, 4);
    const std::vector<float> bias = random_values(c.n_rows, 5);
    std::vector<float> out(kTokens * c.n_rows, -99.0f);
    const std::int64_t split = c.n_rows / 3;  // as two threads would
    linear(x.data(), kTokens, weight.tensor, bias.data(), out.data(), split, c.n_rows);
    linear(x.data(), kTokens, weight.tensor, bias.data(), out.data(), 0, split);
    for (std::int64_t i = 0; i < kTokens * c.n_rows; ++i) {
      const std::int64_t t = i / c.n_rows, n = i % c.n_rows;
      const Float64Dot want =
          float64_dot(x.data() + t * c.n_cols, weight.values.data() + n * c.n_cols, c.n_cols);
      const double bias_n = bias[n];
      const double tolerance =
          2.0 * static_cast<double>(c.n_cols + 1) * kEps * (want.magnitude + std::abs(bias_n));
      expect_close(out[i], want.value + bias_n, tolerance, i);
    }
  }
}

TEST(Linear, LeavesOtherColumnsAloneAndNeedsNoBias) {
  const Weight weight = make_weight({DType::f32, 6, 4});
  const std::vector<float> x = random_values(8, 1);
  std::vector<float> out(12, -99.0f);
  linear(x.data(), 2, weight.tensor, nullptr, out.data(), 2, 5);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t n = i % 6;
    if (n < 2 || n == 5) {
      EXPECT_EQ(out[i], -99.0f);
    } else {
      const Float64Dot want = float64_dot(&x[i / 6 * 4], &weight.values[n * 4], 4);
      expect_close(out[i], want.value, 2.0 * 4 * kEps * want.magnitude, i);
    }
  }
}

}  // namespace
}  // namespace tinyllm::scalar
