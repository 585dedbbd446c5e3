#include "sampling/philox.h"

namespace tinyllm {
namespace {

// Multipliers chosen by the authors for the best mixing; the key grows by the golden ratio and by
// sqrt(3) - 1, both in 2^-32.
constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kKeyStep0 = 0x9E3779B9, kKeyStep1 = 0xBB67AE85;

constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {high(product1) ^ counter[1] ^ key[0], low(product1),
               high(product0) ^ counter[3] ^ key[1], low(product0)};
    key[0] += kKeyStep0;
    key[1] += kKeyStep1;
  }
  return counter;
}

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t position) {
  const std::array<std::uint32_t, 4> block =
      philox4x32_10({low(position), high(position), 0, 0}, {low(seed), high(seed)});
  return block[0] | static_cast<std::uint64_t>(block[1]) << 32;
}

}  // namespace tinyllm
