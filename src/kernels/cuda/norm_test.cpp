#include "kernels/cuda/norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cuda/packed_on_device_test.h"

namespace tinyllm::cuda {
namespace {

std::vector<float> as_floats(const std::vector<std::uint16_t>& bits) {
  std::vector<float> values;
  for (const std::uint16_t b : bits) values.push_back(bf16_to_f32(b));
  return values;
}

TEST(RmsNorm, NormalisesThePickedRows) {
  REQUIRE_GPU();
  const DeviceContext context;
  for (const std::size_t cols : {4u, 36u, 896u, 3584u, 8200u}) {
    const std::vector<float> hidden = random_floats(5 * cols, cols), norm = random_floats(cols, 2);
    const std::vector<std::int32_t> picks = {3, -1, 0, -1, 3, -1, 4, -1};  // every second word
    const std::size_t stride = (cols + 63) / 64 * 64;
    std::vector<double> want;
    for (const std::size_t row : {3u, 0u, 3u, 4u}) {
      double squares = 0;
      for (std::size_t k = 0; k < cols; ++k)
        squares += static_cast<double>(hidden[row * cols + k]) * hidden[row * cols + k];
      const double factor = 1 / std::sqrt(squares / static_cast<double>(cols) + 1e-5);
      for (std::size_t k = 0; k < cols; ++k)
        want.push_back(hidden[row * cols + k] * factor * norm[k]);
    }
    const DeviceArray<float> hidden_on_device(hidden), norm_on_device(norm);
    const DeviceArray<std::int32_t> picks_on_device(picks);
    const DeviceArray<std::uint16_t> out(4 * stride);
    const DeviceArray<float> floats(4 * cols);
    launch_rms_norm(context, hidden_on_device.data(), {picks_on_device.data(), 2}, 4,
                    static_cast<std::int32_t>(cols), norm_on_device.data(), 1e-5f,
                    reinterpret_cast<__nv_bfloat16*>(out.data()), static_cast<std::int64_t>(stride),
                    floats.data());
    EXPECT_LT(relative_error(floats.download(), want), 1e-6);
    const std::vector<float> got = as_floats(out.download());
    std::vector<float> columns;
    for (std::size_t i = 0; i < 4; ++i)
      columns.insert(columns.end(), got.begin() + static_cast<std::ptrdiff_t>(i * stride),
                     got.begin() + static_cast<std::ptrdiff_t>(i * stride + cols));
    EXPECT_LT(relative_error(columns, want), 3e-3);
  }
}

TEST(Gate, MultipliesInterleavedColumns) {
  REQUIRE_GPU();
  const DeviceContext context;
  const std::size_t n = 3, cols = 44, padded = 48, stride = 64;
  std::vector<std::uint16_t> bits;
  for (const float value : random_floats(n * 2 * padded, 3)) bits.push_back(f32_to_bf16(value));
  const std::vector<float> bias = random_floats(2 * cols, 4);
  std::vector<double> want;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < cols; ++j) {
      const std::size_t at = i * 2 * padded + j / 8 * 16 + j % 8;
      const double gate = static_cast<double>(bf16_to_f32(bits[at])) + bias[j];
      const double up = static_cast<double>(bf16_to_f32(bits[at + 8])) + bias[cols + j];
      want.push_back(gate / (1 + std::exp(-gate)) * up);
    }
  }
  const DeviceArray<std::uint16_t> gate_up(bits), gated(n * stride);
  const DeviceArray<float> bias_on_device(bias);
  launch_gate(context, reinterpret_cast<const __nv_bfloat16*>(gate_up.data()), 3, 44,
              bias_on_device.data(), reinterpret_cast<__nv_bfloat16*>(gated.data()), 64);
  const std::vector<float> got = as_floats(gated.download());
  std::vector<float> columns;
  for (std::size_t i = 0; i < n; ++i)
    columns.insert(columns.end(), got.begin() + static_cast<std::ptrdiff_t>(i * stride),
                   got.begin() + static_cast<std::ptrdiff_t>(i * stride + cols));
  EXPECT_LT(relative_error(columns, want), 3e-3);
  EXPECT_TRUE(std::isnan(got[cols]));  // what is beyond is left alone
}

TEST(AddBias, AddsToEveryRow) {
  REQUIRE_GPU();
  const DeviceContext context;
  const DeviceArray<float> out(std::vector<float>{1, 2, 3, 4, 5, 6}),
      bias(std::vector<float>{10, 20, 30});
  launch_add_bias(context, out.data(), 2, 3, bias.data());
  EXPECT_EQ(out.download(), (std::vector<float>{11, 22, 33, 14, 25, 36}));
}

}  // namespace
}  // namespace tinyllm::cuda
