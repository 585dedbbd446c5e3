#include "text/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tinyllm {
namespace {

using testing::ElementsAre;

// "text" for a part between tokens, "#id text" for a token with what it takes in.
std::vector<std::string> split(const std::vector<AddedToken>& tokens, const std::string& text,
                               const AddedTokenOptions& options = {}) {
  std::vector<std::string> parts;
  for (const TextPart& part : AddedTokens(tokens, "test").split(text, options)) {
    const std::string bytes = text.substr(part.range.begin, part.range.end - part.range.begin);
    parts.push_back(part.token_id ? "#" + std::to_string(*part.token_id) + " " + bytes : bytes);
  }
  return parts;
}

TEST(AddedTokens, LeftmostThenLongest) {
  const std::vector<AddedToken> tokens = {
      {.id = 1, .text = "<a>"}, {.id = 2, .text = "<a><b>"}, {.id = 3, .text = "a><b"}};
  EXPECT_THAT(split(tokens, "x<a><b>y"), ElementsAre("x", "#2 <a><b>", "y"));
  EXPECT_THAT(split(tokens, "<a><a><b"), ElementsAre("#1 <a>", "#1 <a>", "<b"));
  EXPECT_THAT(split(tokens, "a><b>"), ElementsAre("#3 a><b", ">"));
  EXPECT_THAT(split(tokens, ""), ElementsAre());
  EXPECT_THAT(split({}, "x"), ElementsAre("x"));
}

TEST(AddedTokens, StripsTakeWhiteSpaceIn) {
  const std::vector<AddedToken> tokens = {{.id = 1, .text = "<l>", .lstrip = true},
                                          {.id = 2, .text = "<r>", .rstrip = true}};
  EXPECT_THAT(split(tokens, "a \t\u00a0<l> b"), ElementsAre("a", "#1  \t\u00a0<l>", " b"));
  EXPECT_THAT(split(tokens, "a <r>\u3000\n b"), ElementsAre("a ", "#2 <r>\u3000\n ", "b"));
  EXPECT_THAT(split(tokens, "<r>  <l>"), ElementsAre("#2 <r>  ", "#1 <l>"));
}

TEST(AddedTokens, SingleWordsStandAlone) {
  const std::vector<AddedToken> tokens = {{.id = 1, .text = "the", .single_word = true}};
  EXPECT_THAT(split(tokens, "the (the) then"), ElementsAre("#1 the", " (", "#1 the", ") then"));
  EXPECT_THAT(split(tokens, "éthe theé the_ 9the"), ElementsAre("éthe theé the_ 9the"));
  EXPECT_THAT(split(tokens, "\u24d0the the\u0301"), ElementsAre("\u24d0the the\u0301"));
}

TEST(AddedTokens, SpecialOnesKeepOutOfPlainRanges) {
  const std::vector<AddedToken> tokens = {{.id = 1, .text = "<s>"},
                                          {.id = 2, .text = "<s>x"},
                                          {.id = 3, .text = "<w>", .special = false}};
  const std::vector<TextRange> plain = {{3, 4}};
  // The longer token reaches into the range, the shorter one does not.
  EXPECT_THAT(split(tokens, "<s>x<s>x", {.plain_ranges = plain}),
              ElementsAre("#1 <s>", "x", "#2 <s>x"));
  EXPECT_THAT(split(tokens, "<s>x<w>", {.find_special = false}), ElementsAre("<s>x", "#3 <w>"));
}

TEST(AddedTokens, SpecialOnesThatAreTextHideWhatTheyHold) {
  const std::vector<AddedToken> tokens = {{.id = 1, .text = "<ab>"},
                                          {.id = 2, .text = "ab", .special = false}};
  EXPECT_THAT(split(tokens, "<ab>ab", {.find_special = false}), ElementsAre("<ab>", "#2 ab"));
  const std::vector<TextRange> plain = {{0, 4}};
  EXPECT_THAT(split(tokens, "<ab>ab", {.plain_ranges = plain}), ElementsAre("<ab>", "#2 ab"));
  const std::vector<TextRange> half = {{0, 2}};  // it is nobody's whole text: look on inside
  EXPECT_THAT(split(tokens, "<ab>", {.plain_ranges = half}), ElementsAre("<", "#2 ab", ">"));
}

TEST(AddedTokens, ManyStripsAreNotQuadratic) {
  const std::vector<AddedToken> tokens = {{.id = 1, .text = " ", .lstrip = true, .rstrip = true}};
  EXPECT_EQ(split(tokens, std::string(1 << 20, ' ')).size(), 1u);
  const std::vector<AddedToken> to_the_right = {{.id = 1, .text = " ", .rstrip = true}};
  EXPECT_EQ(AddedTokens(to_the_right, "test").split(std::string(1 << 20, ' '), {}).size(),
            std::size_t{1} << 20);
}

}  // namespace
}  // namespace tinyllm
