#include "base/utf8.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(Utf8, RoundTripsEveryLength) {
  for (const char32_t c : {U'a', U'\u00E9', U'\u4E2D', U'\U0001F600', U'\uD7FF', U'\uE000'}) {
    std::string bytes;
    append_utf8(bytes, c);
    const Utf8Char back = decode_utf8(bytes);
    EXPECT_TRUE(back.well_formed);
    EXPECT_EQ(back.code_point, c);
    EXPECT_EQ(back.n_bytes, bytes.size());
  }
}

// Expected values: Python 3.11, bytes.decode(errors="replace"); "?" stands for U+FFFD.
TEST(Utf8, ReplacesAsPythonDoes) {
  const auto replaced = [](std::string_view text) {
    std::string out;
    for (std::string rest = replace_ill_formed(text); !rest.empty();) {
      const Utf8Char c = decode_utf8(rest);
      if (c.code_point == kReplacementCharacter) {
        out += '?';
      } else {
        out += rest.substr(0, c.n_bytes);
      }
      rest.erase(0, c.n_bytes);
    }
    return out;
  };
  EXPECT_EQ(replaced("a\x80"
                     "b"),
            "a?b");
  EXPECT_EQ(replaced("\xC0\xAF"), "??");       // overlong: no lead byte at all
  EXPECT_EQ(replaced("\xED\xA0\x80"), "???");  // surrogate
  EXPECT_EQ(replaced("\xF0\x9F\x98"
                     "x"),
            "?x");                                  // cut after three of four: one replacement
  EXPECT_EQ(replaced("\xF4\x90\x80\x80"), "????");  // above U+10FFFF
  EXPECT_EQ(replaced("\xE4\xB8"), "?");
}

TEST(Utf8, IncompleteSuffix) {
  EXPECT_EQ(incomplete_suffix_bytes("abc"), 0u);
  EXPECT_EQ(incomplete_suffix_bytes("a\xF0\x9F\x98"), 3u);
  EXPECT_EQ(incomplete_suffix_bytes("a\xE4"), 1u);
  EXPECT_EQ(incomplete_suffix_bytes("a\xE4\xB8\xAD"), 0u);
  EXPECT_EQ(incomplete_suffix_bytes("a\x80"), 0u);     // never completes
  EXPECT_EQ(incomplete_suffix_bytes("\xED\xA0"), 0u);  // surrogate: ill formed already
  EXPECT_EQ(incomplete_suffix_bytes(""), 0u);
}

}  // namespace
}  // namespace tinyllm
