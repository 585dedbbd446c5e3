#include "apps/answer_view.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

// What is written when `text` comes in pieces of `n` bytes (ASCII).
std::string shown(const std::string& text, AnswerStyle style, std::size_t n) {
  AnswerView view(style);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += n) out += view.add(text.substr(i, n));
  return out + view.finish();
}

std::string plain(const std::string& text, int width = 20) {
  const std::string whole = shown(text, {.terminal = true, .color = false, .width = width}, 1000);
  EXPECT_EQ(shown(text, {.terminal = true, .color = false, .width = width}, 1), whole);
  return whole;
}

std::string styled(const std::string& text) {
  const std::string whole = shown(text, {.terminal = true, .color = true, .width = 80}, 1000);
  EXPECT_EQ(shown(text, {.terminal = true, .color = true, .width = 80}, 1), whole);
  return whole;
}

TEST(AnswerView, OffATerminalEveryByteStays) {
  const std::string text = "a **b** \x1b[2J\r\n" + std::string(200, 'x');
  EXPECT_EQ(shown(text, {}, 3), text);
}

TEST(AnswerView, LinesAreWrappedAtWords) {
  EXPECT_EQ(plain("one two three four five six"), "one two three four\nfive six");
  EXPECT_EQ(plain("one\n\n  two\n"), "one\n\n  two\n");
  EXPECT_EQ(plain("one two three four\nfive"), "one two three four\nfive");
  // A word longer than a line is left to the terminal.
  EXPECT_EQ(plain("see " + std::string(30, 'x') + " end"), "see\n" + std::string(30, 'x') + " end");
}

TEST(AnswerView, WideCharactersTakeTwoColumnsAndBreakAnywhere) {
  AnswerView view({.terminal = true, .color = false, .width = 10});
  std::string out = view.add("日本語日本語");
  out += view.finish();
  EXPECT_EQ(out, "日本語日\n本語");
}

TEST(AnswerView, NoControlCharacterPasses) {
  EXPECT_EQ(plain("a\x1b[2Jb\x07\x7f"), "a?[2Jb??");
  EXPECT_EQ(plain("a\r\nb\tc"), "a\nb\tc");
  AnswerView view({.terminal = true, .color = true, .width = 80});
  std::string out = view.add(
      "\xC2\x9B"
      "2J");
  out += view.finish();
  EXPECT_EQ(out, "?2J");
}

TEST(AnswerView, BoldAndCode) {
  EXPECT_EQ(styled("a **b c** d"), "a \x1b[1mb c\x1b[22m d");
  EXPECT_EQ(styled("use `x = 1` here"), "use \x1b[36mx = 1\x1b[39m here");
  EXPECT_EQ(styled("`a**b`"), "\x1b[36ma**b\x1b[39m");
  EXPECT_EQ(styled("2**3 and x ** y"), "2**3 and x ** y");
  EXPECT_EQ(styled("**open\nnext"), "\x1b[1mopen\x1b[22m\nnext");
  EXPECT_EQ(styled("# Title\ntext"), "\x1b[1m# Title\x1b[22m\ntext");
  EXPECT_EQ(styled("**open"), "\x1b[1mopen\x1b[22m");
}

TEST(AnswerView, CodeBlocksKeepTheirLines) {
  const std::string line = "x = [" + std::string(90, '1') + " 2]";
  const std::string out = styled("```py\n" + line + "\n# **no**\n```\nafter");
  EXPECT_NE(out.find("\x1b[36m\n" + line + "\n# **no**\n"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("\x1b[39m\nafter")) << out;
}

TEST(AnswerView, WithoutColoursTheMarksStay) { EXPECT_EQ(plain("**b** `c`\n"), "**b** `c`\n"); }

}  // namespace
}  // namespace tinyllm
