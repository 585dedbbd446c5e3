#include "learn/describe_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "learn/explain.h"
#include "learn/printable_bytes.h"
#include "learn/smallest_failing.h"

namespace tinyllm::learn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

GoldenCase golden_of(Wanted wanted) { return {Case("small", "f", {}), {std::move(wanted)}, "x"}; }

std::string words(const GoldenCase& golden, const std::string& got) {
  const Wanted& wanted = golden.wanted[0];
  return describe_wrong(golden, wanted, got, first_wrong(wanted, got));
}

TEST(DescribeText, PointsAtTheFirstCharacterThatDiffersInItsLine) {
  const GoldenCase golden =
      golden_of({.name = "tokens", .kind = AnswerKind::text, .text = "a\nl\xC3\xB6w\n"});
  EXPECT_EQ(first_wrong(golden.wanted[0], golden.wanted[0].text), -1);
  EXPECT_EQ(words(golden, "a\nl\xC3\xB6|w\n"),
            "tokens, line 2 of 2 is 'l\xC3\xB6|w', must be 'l\xC3\xB6w'\n  given  x\n"
            "  yours  l\xC3\xB6|w\n  right  l\xC3\xB6w\n           ^\n");
  EXPECT_THAT(words(golden, "a\n"), HasSubstr("line 2 of 2 is '(nothing)'"));
  EXPECT_EQ(first_wrong(golden.wanted[0], std::vector<double>{1}), 0) << "numbers are no text";
}

TEST(DescribeTrace, ShowsEveryStepUpToTheWrongOne) {
  const GoldenCase golden = golden_of({.name = "answers",
                                       .kind = AnswerKind::trace,
                                       .text = "1\n2\n3\n",
                                       .calls = {"take", "take", "give back"}});
  EXPECT_EQ(words(golden, "1\n7\n3\n"),
            "step 2 of 3: the answer is 7, must be 2\n  given  x\n  1      take\n         -> 1\n"
            "  2      take\n  yours  7\n  right  2\n         ^\n");
  EXPECT_THAT(words(golden, "1\n2\n"), HasSubstr("step 3 of 3: the answer is (nothing)"));
}

TEST(KnownMistake, OfATextEqualsItCharacterByCharacter) {
  const std::vector<GoldenCase> golden = {
      golden_of({.name = "tokens", .kind = AnswerKind::text, .text = "ab"})};
  const auto answering = [](const std::string& text) {
    return CaseAnswers{{"small", {{"tokens", text}}}};
  };
  const std::map<std::string, CaseAnswers> recorded = {{"reversed", answering("ba")}};
  EXPECT_EQ(known_mistake(golden, recorded, answering("ba")), "reversed");
  EXPECT_EQ(known_mistake(golden, recorded, answering("b")), "");
}

TEST(PrintableBytes, ComeBackAndKeepWhatCanBeRead) {
  const std::string bytes = "d\xC3\xBCr\n\xC3 \x01";
  EXPECT_EQ(escaped_bytes(bytes), "d\xC3\xBCr\n\\xC3 \\x01");
  EXPECT_EQ(bytes_from_escaped(escaped_bytes(bytes)), bytes);
}

TEST(Answers, OfBothKindsComeBackFromOneString) {
  for (const Answer& answer : {Answer(std::vector<double>{1.5, -2}), Answer(std::string("1.5\n|")),
                               Answer(std::string())}) {
    EXPECT_EQ(split_answer(join_answer(answer)), answer);
  }
}

TEST(SmallestFailing, KeepsOnlyWhatIsNeeded) {
  const auto fails = [](const std::vector<int>& items) {
    return std::ranges::count(items, 3) > 0 && std::ranges::count(items, 7) > 1;
  };
  EXPECT_THAT(smallest_failing(std::vector{7, 1, 3, 7, 3, 7, 2}, fails), ElementsAre(7, 3, 7));
}

}  // namespace
}  // namespace tinyllm::learn
