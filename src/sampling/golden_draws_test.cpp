// The same draws and the same 2^x on every machine: tables made by
// tests/golden/make_sampling_draws.py, which does
// the sampler's arithmetic a second time, in Python.

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "sampling/exp2.h"
#include "sampling/philox.h"
#include "sampling/sampler.h"

namespace tinyllm {
namespace {

constexpr std::uint64_t kExp2Checksum = 0xDDDE99EE8357EB79;
constexpr std::array<TokenId, 200> kDraws = {
    2596, 480, 2804, 4488, 3235, 1966, 4976, 3501, 359, 292, 173, 18,  343, 227, 271, 424, 179,
    78,   497, 276,  333,  1,    381,  295,  423,  260, 79,  304, 131, 451, 241, 384, 278, 199,
    400,  195, 226,  60,   189,  483,  190,  365,  101, 412, 309, 438, 445, 162, 163, 355, 456,
    174,  84,  441,  179,  405,  141,  383,  472,  27,  175, 6,   354, 434, 165, 117, 78,  376,
    138,  472, 496,  129,  93,   467,  127,  182,  371, 215, 15,  357, 151, 440, 111, 171, 378,
    387,  313, 282,  284,  419,  328,  131,  68,   481, 469, 320, 113, 259, 85,  189, 435, 482,
    41,   270, 136,  462,  499,  193,  267,  170,  333, 480, 390, 133, 70,  35,  467, 75,  393,
    226,  287, 308,  415,  213,  300,  470,  165,  115, 391, 482, 63,  176, 3,   313, 300, 233,
    74,   183, 321,  142,  321,  114,  368,  238,  27,  465, 468, 41,  265, 458, 373, 65,  468,
    6,    115, 281,  210,  195,  121,  434,  316,  407, 314, 20,  41,  9,   5,   43,  284, 463,
    87,   398, 169,  18,   293,  73,   39,   329,  428, 216, 129, 185, 129, 369, 39,  360, 98,
    259,  367, 64,   137,  226,  449,  272,  186,  332, 406, 311, 180, 116};

// Sums of two uniform numbers: multiples of 2^-20 in [-8, 8).
std::vector<float> golden_row(std::size_t size, std::uint64_t seed) {
  std::vector<float> row(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t bits = random_bits(seed, i);
    const auto sum = static_cast<std::int32_t>((bits >> 41) + (bits & 0x7FFFFF)) - (1 << 23);
    row[i] = static_cast<float>(sum) * 0x1p-20f;
  }
  return row;
}

TEST(GoldenDraws, EqualThePythonSampler) {
  const std::array<SamplingParams, 4> settings = {{
      {.temperature = 1.0f},
      {.temperature = 0.8f, .top_p = 0.95f},
      {.temperature = 1.3f, .top_k = 40, .top_p = 0.9f},
      {.temperature = 1.0f, .min_p = 0.05f},
  }};
  SamplerWorkspace workspace;
  for (std::size_t i = 0; i < kDraws.size(); ++i) {
    SamplingParams params = settings[i % 4];
    params.seed = 77 + i;
    const std::vector<float> row = golden_row(i < 8 ? 5000 : 500, 1000 + i);
    EXPECT_EQ(sample_token(row, params, {}, {}, 3 * i, workspace, nullptr), kDraws[i]) << i;
  }
}

TEST(GoldenDraws, Exp2BitsEqualThePythonOnes) {
  std::uint64_t checksum = 0xCBF29CE484222325;  // FNV-1a over the 32-bit patterns
  for (std::uint64_t i = 0; i < 1000; ++i) {
    // [-64, 0] in steps of 2^-18 and [-1/8, 0] in steps of 2^-27, finer than r keeps.
    const float step = i % 2 == 0 ? 0x1p-18f : 0x1p-27f;
    const float x = -static_cast<float>(random_bits(5, i) >> 40) * step;
    checksum = (checksum ^ std::bit_cast<std::uint32_t>(exp2_portable(x))) * 0x100000001B3;
  }
  EXPECT_EQ(checksum, kExp2Checksum);
}

}  // namespace
}  // namespace tinyllm
