#include "text/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tinyllm {
namespace {

using testing::ElementsAre;

TEST(Normalizer, Composes) {
  EXPECT_EQ(normalize_nfc("").text, "");
  EXPECT_EQ(normalize_nfc("plain").text, "plain");
  EXPECT_EQ(normalize_nfc("cafe\u0301 e\u0301").text, "caf\u00e9 \u00e9");
  EXPECT_EQ(normalize_nfc("\u212b\u2126").text, "\u00c5\u03a9");  // signs that are letters
  EXPECT_EQ(normalize_nfc("\u1112\u1161\u11ab").text, "\ud55c");  // Hangul
  EXPECT_EQ(normalize_nfc("d\u0307\u0323").text, "\u1e0d\u0307") << "marks get their order";
  EXPECT_EQ(normalize_nfc("\u0958").text, "\u0915\u093c") << "excluded from composition";
  EXPECT_EQ(normalize_nfc("\ufb01").text, "\ufb01") << "no compatibility forms";
}

TEST(Normalizer, ManyMarksAreNotQuadratic) {
  std::string marks, low, high;
  for (int i = 0; i < 200'000; ++i) {
    marks += "\u0301\u0316";  // classes 230 and 220: the second kind goes first
    low += "\u0316";
    high += "\u0301";
  }
  EXPECT_EQ(normalize_nfc(marks).text, low + high);
}

TEST(RewrittenText, RangesMove) {
  // The old bytes [1, 4) become U+00E9, [4, 9) become U+1E05 and a mark.
  const RewrittenText text = normalize_nfc("ae\u0301b\u0323\u0307c");
  EXPECT_EQ(text.text, "a\u00e9\u1e05\u0307c");
  EXPECT_THAT(text.new_ranges({{0, 1}}), ElementsAre(TextRange{0, 1}));
  EXPECT_THAT(text.new_ranges({{2, 3}}), ElementsAre(TextRange{1, 3}));
  EXPECT_THAT(text.new_ranges({{0, 2}, {3, 4}, {8, 100}}),
              ElementsAre(TextRange{0, 3}, TextRange{3, 9}));
  EXPECT_THAT(text.new_ranges({{9, 10}}), ElementsAre(TextRange{8, 9}));
  EXPECT_THAT(text.new_ranges({{20, 30}}), ElementsAre());
}

TEST(RewrittenText, IllFormedPartsBecomeOneSignEach) {
  const RewrittenText text = rewrite_ill_formed("a\xF0\x9F\x98z\xFF\xFFy");
  EXPECT_EQ(text.text, "a\ufffdz\ufffd\ufffdy");
  EXPECT_THAT(text.new_ranges({{0, 1}, {4, 5}, {7, 8}}),
              ElementsAre(TextRange{0, 1}, TextRange{4, 5}, TextRange{11, 12}));
}

}  // namespace
}  // namespace tinyllm
