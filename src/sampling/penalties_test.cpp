#include "sampling/penalties.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace tinyllm {
namespace {

struct Case {
  std::vector<float> logits = {2.0f, -2.0f, 3.0f, 1.0f, 0.0f, -1.0f};
  std::vector<float> after(const Penalties& penalties, std::vector<TokenId> prompt_ids,
                           std::vector<TokenId> output_ids) {
    std::vector<std::int32_t> places(6, 0);
    TokenHistory history;
    history.reset(prompt_ids, output_ids, places);
    apply_penalties(logits, penalties, history);
    return logits;
  }
};

// Prompt {0, 1, 0}, output {2, 1, 2}: every id once, positive divided, negative multiplied.
TEST(Penalties, RepetitionLooksAtPromptAndOutputOnce) {
  EXPECT_EQ(Case().after({.repetition = 2.0f}, {0, 1, 0}, {2, 1, 2}),
            (std::vector<float>{1.0f, -4.0f, 1.5f, 1.0f, 0.0f, -1.0f}));
}

TEST(Penalties, RepetitionBelowOneEncourages) {
  EXPECT_EQ(Case().after({.repetition = 0.5f}, {0, 4}, {1}),
            (std::vector<float>{4.0f, -1.0f, 3.0f, 1.0f, 0.0f, -1.0f}));
}

TEST(Penalties, FrequencyAndPresenceLookAtTheOutput) {
  EXPECT_EQ(Case().after({.frequency = 0.5f}, {0, 0, 3}, {2, 1, 2, 2}),
            (std::vector<float>{2.0f, -2.5f, 1.5f, 1.0f, 0.0f, -1.0f}));
  EXPECT_EQ(Case().after({.presence = 0.5f}, {0, 0, 3}, {2, 1, 2, 2}),
            (std::vector<float>{2.0f, -2.5f, 2.5f, 1.0f, 0.0f, -1.0f}));
}

// Id 2: 3 / 2 = 1.5, then 2 x 0.25, then 1. Subtracting first would give 0.75.
TEST(Penalties, RepetitionComesFirst) {
  const Penalties all = {.repetition = 2.0f, .frequency = 0.25f, .presence = 1.0f};
  EXPECT_EQ(Case().after(all, {2}, {2, 2}),
            (std::vector<float>{2.0f, -2.0f, 0.0f, 1.0f, 0.0f, -1.0f}));
}

TEST(Penalties, ImpossibleStaysImpossible) {
  Case c;
  c.logits[1] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(c.after({.repetition = 2.0f, .presence = -2.0f}, {1}, {1})[1],
            -std::numeric_limits<float>::infinity());
}

TEST(PenaltiesDeathTest, RefusesAnIdOutsideTheVocabulary) {
  EXPECT_DEATH(Case().after({.repetition = 2.0f}, {6}, {}), "id 6, vocabulary of 6");
}

}  // namespace
}  // namespace tinyllm
