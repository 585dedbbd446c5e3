#include "apps/printable.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(PrintableTest, WhatSteersTheTerminalIsAQuestionMark) {
  EXPECT_EQ(printable("a\x1b[31m\n\u009b\x7f\tb"), "a?[31m????b");
  EXPECT_EQ(printable("a\r\n\tb\r", /*several_lines=*/true), "a\n\tb?");
}

TEST(PrintableTest, WhatHidesIsToBeSeen) {
  EXPECT_EQ(plain_to_see("a\u200bb\u200f\u202e\u202ac\u2066d\u2069\ufeff\u2060"), "a?b???c?d???");
  EXPECT_EQ(plain_to_see("\U000E0041x\n\x1b"), "?x??");
  EXPECT_EQ(plain_to_see("\u2028\u00ad\u034f\u115f\u1160\u2800\u3164\ufe0f\uffa0\U000E0100|"),
            "??????????|");
  EXPECT_EQ(plain_to_see("na\u00efve \u2014 \u4f60\u597d \U0001F600"),
            "na\u00efve \u2014 \u4f60\u597d \U0001F600");
}

}  // namespace
}  // namespace tinyllm
