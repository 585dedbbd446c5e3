#include "sampling/process_logits.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace tinyllm {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Each step would give another number if it came at another place.
TEST(ProcessLogits, MaskBansBiasPenalties) {
  TokenHistory history;
  std::vector<std::int32_t> places(5, 0);
  history.reset(std::vector<TokenId>{3}, std::vector<TokenId>{4}, places);
  const std::vector<std::uint32_t> mask = {0b11110};
  const std::vector<TokenId> banned = {1, 1000};
  const std::vector<std::pair<TokenId, float>> biases = {{0, 9.0f}, {1, 9.0f}, {3, 3.0f}};
  std::vector<float> logits = {1.0f, 2.0f, 3.0f, 1.0f, 4.0f};
  process_logits(logits, {.mask = mask,
                          .banned_ids = banned,
                          .biases = biases,
                          .penalties = {.repetition = 2.0f, .frequency = 0.5f, .presence = 0.25f},
                          .history = &history});
  EXPECT_EQ(logits, (std::vector<float>{-kInf, -kInf, 3.0f, 2.0f, 1.25f}));
}

TEST(ProcessLogits, MasksOfEverySizeBitByBit) {
  for (const std::size_t n : {1u, 31u, 32u, 33u, 64u, 100u}) {
    for (const std::size_t n_words :
         {(n + 31) / 32, std::size_t{1}}) {  // short: the rest is not allowed
      std::vector<std::uint32_t> mask(n_words);
      for (std::size_t i = 0; i < n_words; ++i) mask[i] = i == 1 ? ~0u : 0xA5F00F12u;
      std::vector<float> logits(n, 1.0f);
      apply_mask(logits, mask);
      for (std::size_t i = 0; i < n; ++i) {
        const bool allowed = i / 32 < n_words && (mask[i / 32] >> (i % 32) & 1u) != 0;
        EXPECT_EQ(logits[i], allowed ? 1.0f : -kInf) << "id " << i << " of " << n;
      }
    }
  }
}

TEST(ProcessLogits, NothingAskedChangesNothing) {
  std::vector<float> logits = {1.0f, -0.0f, kInf};
  process_logits(logits, {});
  EXPECT_EQ(logits, (std::vector<float>{1.0f, -0.0f, kInf}));
}

TEST(ProcessLogitsDeathTest, PenaltiesNeedAHistory) {
  std::vector<float> logits = {1.0f};
  EXPECT_DEATH(process_logits(logits, {.penalties = {.presence = 1.0f}}), "without a history");
}

}  // namespace
}  // namespace tinyllm
