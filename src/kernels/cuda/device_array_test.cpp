#include "kernels/cuda/device_array_test.h"

#include <cmath>
#include <cstdlib>
#include <limits>

namespace tinyllm::cuda {

double relative_error(std::span<const float> a, std::span<const double> b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (!std::isfinite(a[i])) return std::numeric_limits<double>::infinity();
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / std::max(norm, 1e-300));
}

TEST(DeviceArray, ComesBackAsItWent) {
  REQUIRE_GPU();
  const std::vector<float> values = {1, 2, 3};
  const DeviceArray<float> array(values);
  EXPECT_EQ(array.download(), values);
}

TEST(DeviceContext, KnowsItsDevice) {
  REQUIRE_GPU();
  const DeviceContext context;
  EXPECT_GE(context.compute_capability(), 80);
  EXPECT_GT(context.n_sms(), 0);
  // A newer device runs the PTX for compute_80 too, and so does each one that is told to.
  const char* forced = std::getenv("CUDA_FORCE_PTX_JIT");
  const bool runs_ptx = context.compute_capability() != 90 || (forced && *forced == '1');
  EXPECT_EQ(context.has_hopper_code(), !runs_ptx);
  EXPECT_EQ(code_architecture(), runs_ptx ? 80 : 90);
}

TEST(DeviceContext, WithoutADeviceSaysSo) {
  if (n_devices() > 0) GTEST_SKIP() << "this machine has a CUDA device";
  EXPECT_THROW(DeviceContext{}, std::runtime_error);
}

TEST(DeviceArena, PiecesAreAlignedAndApart) {
  REQUIRE_GPU();
  DeviceArena arena("a test");
  std::byte* a = arena.take(100);
  std::byte* b = arena.take(100);
  EXPECT_EQ(b - a, 256);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % 256, 0u);
  EXPECT_EQ(arena.n_taken(), 200);
}

}  // namespace tinyllm::cuda
