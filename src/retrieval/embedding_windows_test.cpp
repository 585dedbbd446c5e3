#include "retrieval/embedding_windows.h"

#include <gmock/gmock.h>

namespace tinyllm {
namespace {

using ::testing::ElementsAre;

// A token a byte.
const auto kBytes = [](std::string_view text) { return std::ssize(text); };

std::vector<std::string> windows(const std::string& heading, const std::string& text) {
  return embedding_windows({.heading = heading, .text = text}, kBytes);
}

// A sentence of `n` bytes with the space behind it.
std::string sentence(char letter, std::size_t n) { return std::string(n - 2, letter) + ". "; }

TEST(EmbeddingWindows, AShortChunkIsOne) {
  EXPECT_THAT(windows("Fruit > Pears", "Pears are green."),
              ElementsAre("Fruit > Pears\nPears are green."));
  EXPECT_THAT(windows("", "x"), ElementsAre("x"));
}

TEST(EmbeddingWindows, EachRepeatsTwoSentencesOfTheOneBefore) {
  const std::string a = sentence('A', 40), b = sentence('B', 20), c = sentence('C', 30),
                    d = sentence('D', 30), e = sentence('E', 10);
  EXPECT_THAT(windows("H", a + b + c + d + e),
              ElementsAre("H\n" + a + b + c, "H\n" + b + c + d + e));
}

TEST(EmbeddingWindows, WhatIsRepeatedLeavesRoomForTheNext) {
  const std::string a = sentence('A', 40), b = sentence('B', 50), c = sentence('C', 90);
  EXPECT_THAT(windows("", a + b + c), ElementsAre(a + b, c));
  const std::string d = sentence('D', 200);
  EXPECT_THAT(windows("", a + d + b), ElementsAre(a, d, b));
}

TEST(EmbeddingWindows, CodeIsCutBetweenLines) {
  const std::string line = std::string(59, 'x') + "\n";
  EXPECT_THAT(windows("", line + line + line), ElementsAre(line, line, line));
}

}  // namespace
}  // namespace tinyllm
