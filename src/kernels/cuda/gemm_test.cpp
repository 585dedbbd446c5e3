#include "kernels/cuda/gemm.h"

#include <gtest/gtest.h>

#include <random>

#include "kernels/cuda/device_array_test.h"
#include "tensor/float16.h"

namespace tinyllm::cuda {
namespace {

std::vector<std::uint16_t> random_bf16(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> bits(n);
  for (std::uint16_t& b : bits) b = f32_to_bf16(normal(random));
  return bits;
}

TEST(Gemm, IsTheProduct) {
  REQUIRE_GPU();
  const DeviceContext context;
  Gemm gemm(context);
  if (!gemm.is_there()) GTEST_SKIP() << "libcublasLt.so.13 is not installed";
  constexpr std::size_t kRows = 144, kCols = 192, kXStride = 256, kOutStride = 160;
  const std::vector<std::uint16_t> w = random_bf16(kRows * kCols, 1);
  const DeviceArray<std::uint16_t> w_on_device(w);
  for (const std::size_t n : {1u, 5u, 100u, 300u, 290u}) {
    const std::vector<std::uint16_t> x = random_bf16(n * kXStride, n);
    const DeviceArray<std::uint16_t> x_on_device(x);
    std::vector<double> want;
    for (std::size_t b = 0; b < n; ++b) {
      for (std::size_t i = 0; i < kRows; ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < kCols; ++k)
          sum += static_cast<double>(bf16_to_f32(w[i * kCols + k])) *
                 static_cast<double>(bf16_to_f32(x[b * kXStride + k]));
        want.push_back(sum);
      }
    }
    DeviceArray<float> out(n * kOutStride);
    GemmArgs args;
    args.weights = reinterpret_cast<const __nv_bfloat16*>(w_on_device.data());
    args.x = reinterpret_cast<const __nv_bfloat16*>(x_on_device.data());
    args.out = out.data();
    args.weights_stride = kCols;
    args.x_stride = kXStride;
    args.out_stride = kOutStride;
    args.n_rows = kRows;
    args.n_cols = kCols;
    args.n = static_cast<std::int32_t>(n);
    const auto rows = [&] {
      std::vector<float> values;
      const std::vector<float> all = out.download();
      for (std::size_t b = 0; b < n; ++b)
        values.insert(values.end(), all.begin() + static_cast<std::ptrdiff_t>(b * kOutStride),
                      all.begin() + static_cast<std::ptrdiff_t>(b * kOutStride + kRows));
      return values;
    };
    gemm.launch(args);
    EXPECT_LT(relative_error(rows(), want), 2e-5) << n;
    args.output = GemmOutput::add_f32;
    gemm.launch(args);
    for (double& value : want) value *= 2;
    EXPECT_LT(relative_error(rows(), want), 2e-5) << n;
    const DeviceArray<std::uint16_t> rounded(n * kOutStride);
    args.out = rounded.data();
    args.output = GemmOutput::store_bf16;
    gemm.launch(args);
    const std::vector<std::uint16_t> bits = rounded.download();
    for (std::size_t b = 0; b < n; ++b) {
      for (std::size_t i = 0; i < kRows; ++i)
        ASSERT_NEAR(bf16_to_f32(bits[b * kOutStride + i]), want[b * kRows + i] / 2,
                    std::abs(want[b * kRows + i]) * 0.003 + 1e-3);
    }
  }
}

}  // namespace
}  // namespace tinyllm::cuda
