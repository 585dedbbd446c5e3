// Text for terminals: wrapping, lessons, words as they are spoken.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/lesson_page.h"
#include "learn/lesson_text.h"
#include "learn/screen.h"

namespace tinyllm::learn {
namespace {

using testing::HasSubstr;
using testing::Not;

const Style kPlain{.color = false, .width = 60, .terminal = false};

TEST(Wrap, BreaksAtSpacesAndIndentsTheRest) {
  EXPECT_EQ(wrap("one two three", 8, "  "), "one two\n  three");
  EXPECT_EQ(wrap("averyverylongword x", 5, ""), "averyverylongword\nx");
  EXPECT_EQ(wrap("", 8, "  "), "");
}

TEST(ProgressLine, IsAsWideForEveryNumber) {
  EXPECT_EQ(progress_line(kPlain, 0, 4, 8), "[--------] 0 of 4 tasks green");
  EXPECT_EQ(progress_line(kPlain, 4, 4, 8), "[########] 4 of 4 tasks green");
  EXPECT_EQ(progress_line(kPlain, 0, 0, 4), "[----] 0 of 0 tasks green");
}

constexpr const char* kLesson =
    "# Title\n\nSome **bold** and `code`\nin one paragraph.\n\n![A picture](a.svg)\n\n```cpp\nint "
    "x < 1;\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n";

TEST(Lesson, ReadsAsPlainText) {
  const std::string text = as_terminal_text(kLesson, kPlain);
  EXPECT_THAT(text, HasSubstr("Some bold and code in one paragraph.\n"));
  EXPECT_THAT(text, HasSubstr("    int x < 1;\n"));
  EXPECT_THAT(text, HasSubstr("[picture: A picture"));
  EXPECT_THAT(text, Not(HasSubstr("```")));
}

TEST(Lesson, TablesStandInColumnsAndAnswersAtTheEnd) {
  const std::string text = as_terminal_text(
      "| part | n |\n|---|---|\n| a longer one | 2 |\n\n<details>\n<summary>Answers</summary>\n\n"
      "1. Two *whole* steps: 2 * 3 * 4.\n\n</details>\n\n## Next\nDay 2.\n",
      kPlain);
  EXPECT_THAT(text, HasSubstr("  part          n\n  a longer one  2\n"));
  EXPECT_THAT(text, HasSubstr("1. Two whole steps: 2 * 3 * 4.\n"));
  EXPECT_LT(text.find("Day 2."), text.find("Two whole")) << "nobody reads answers by accident";
}

TEST(Lesson, IsAPageForABrowser) {
  const std::string page = as_html(kLesson, "/lessons", "A & B");
  EXPECT_THAT(page, HasSubstr("<title>A &amp; B</title>"));
  EXPECT_THAT(page, HasSubstr("<h1>Title</h1>"));
  EXPECT_THAT(page, HasSubstr("<b>bold</b> and <code>code</code>"));
  EXPECT_THAT(page, HasSubstr("<pre>int x &lt; 1;\n</pre>"));
  EXPECT_THAT(page, HasSubstr("file:///lessons/a.svg"));
  EXPECT_THAT(page, HasSubstr("<tr><td> 1 </td><td> 2 </td></tr>"));
  EXPECT_THAT(page, Not(HasSubstr("---")));
}

}  // namespace
}  // namespace tinyllm::learn
