#include "sampling/philox.h"

#include <gtest/gtest.h>

#include <set>

namespace tinyllm {
namespace {

using Counter = std::array<std::uint32_t, 4>;

// The known answers that the authors publish with Random123 for philox4x32, 10 rounds.
TEST(Philox, KnownAnswers) {
  constexpr std::uint32_t kOnes = 0xFFFFFFFF;
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (Counter{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}));
  EXPECT_EQ(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Counter{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}));
  // Digits of pi.
  EXPECT_EQ(
      philox4x32_10({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, {0xA4093822, 0x299F31D0}),
      (Counter{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}));
}

TEST(Philox, BitsAreTheFirstTwoWordsOfTheBlock) {
  EXPECT_EQ(random_bits(0, 0), 0xE169C58D6627E8D5u);
  const Counter block = philox4x32_10({3, 2, 0, 0}, {5, 4});
  EXPECT_EQ(random_bits(0x0000000400000005u, 0x0000000200000003u),
            block[0] | static_cast<std::uint64_t>(block[1]) << 32);
}

TEST(Philox, EverySeedAndPositionHasItsOwnBits) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (std::uint64_t position = 0; position < 50; ++position) {
      seen.insert(random_bits(seed, position));
    }
  }
  EXPECT_EQ(seen.size(), 2500u);
}

}  // namespace
}  // namespace tinyllm
