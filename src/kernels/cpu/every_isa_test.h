#pragma once
// What the tests of row kernels share: the fixture that runs a test with every table, and bits.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "kernels/cpu/pick_isa.h"
#include "kernels/cpu/row_kernels.h"

namespace tinyllm {

inline std::vector<float> random_floats(std::size_t n, unsigned seed, float size = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, size);
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

// Two results of a panel, [kTileRows] f32, bit for bit.
inline bool bits_equal(const float* a, const float* b) {
  return std::equal(a, a + kTileRows, b, [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

// |got - want| <= c eps size, c as given: roundings of the two ways to compute.
inline void expect_close(const std::vector<float>& got, const std::vector<float>& want, float c,
                         const char* what) {
  float size = 0.0f;
  for (const float value : want) size = std::max(size, std::fabs(value));
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], c * 0x1.0p-24f * std::max(size, 1e-30f))
        << what << " element " << i;
  }
}

// Instantiated by each test file as a suite of its own name.
class EveryIsa : public testing::TestWithParam<std::string_view> {
 protected:
  const RowKernels& kernels_ = row_kernels(GetParam());
  const RowKernels& scalar_ = row_kernels("scalar");
};

}  // namespace tinyllm
