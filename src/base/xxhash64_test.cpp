#include "base/xxhash64.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace tinyllm {
namespace {

std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) {
  return xxhash64(std::as_bytes(std::span(text)), seed);
}

// Values of the reference implementation.
TEST(Xxhash64, KnownValues) {
  EXPECT_EQ(hash_of(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(hash_of("", 0x9E3779B1u), 0xAC75FDA2929B17EFu);
  EXPECT_EQ(hash_of("a"), 0xD24EC4F1A98C6E5Bu);
  EXPECT_EQ(hash_of("abc"), 0x44BC2CF5AD770999u);
  EXPECT_EQ(hash_of("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1u);
}

// The claim of the header: within eight aligned bytes every change is seen.
TEST(Xxhash64, EveryFlippedByteChangesIt) {
  std::vector<std::byte> bytes(101);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37);
  const std::uint64_t right = xxhash64(bytes);
  for (std::byte& byte : bytes) {
    for (int flip = 1; flip < 256; ++flip) {
      byte ^= static_cast<std::byte>(flip);
      ASSERT_NE(xxhash64(bytes), right);
      byte ^= static_cast<std::byte>(flip);
    }
  }
  EXPECT_EQ(right, 0x53EEC01F3C6D8EDBu);  // of the reference implementation, and with seed 7
  EXPECT_EQ(xxhash64(bytes, 7), 0x4290C7AED64343F8u);
  EXPECT_NE(xxhash64(std::span(bytes).first(100)), right);
  EXPECT_NE(xxhash64(bytes, 1), right);
}

}  // namespace
}  // namespace tinyllm
