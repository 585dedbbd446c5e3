// What compilers, linkers and sanitizers say, turned into what a learner reads.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/build_commands.h"
#include "learn/compiler_words.h"
#include "learn/object_symbols.h"
#include "learn/sanitizer_words.h"

namespace tinyllm::learn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kContract = {"tinyllm::scalar::add(float*, std::int64_t)"};

TEST(SplitCommand, KnowsQuotesAndBackslashes) {
  EXPECT_THAT(split_command(R"(g++ -DX="a b" 'c d'  e\ f "" -o x)"),
              ElementsAre("g++", "-DX=a b", "c d", "e f", "", "-o", "x"));
}

TEST(CompilerWords, KeepsTheErrorsOfTheLearnersFile) {
  const std::string text = shorten_errors(
      "In file included from /long/x.cpp:1:\n/long/h.h:3:1: note: here\n"
      "/long/x.cpp: In function 'f':\n/long/x.cpp:6:3: error: expected ';'\n    6 |   for\n"
      "      |   ^\n/long/x.cpp:7:1: note: something\n/long/x.cpp:8:1: error: second\n"
      "/long/x.cpp:9:1: error: third\n",
      "/long/x.cpp", "code/x.cpp", kContract);
  EXPECT_THAT(text, HasSubstr("code/x.cpp:6:3: error: expected ';'\n    6 |   for\n"));
  EXPECT_THAT(text, HasSubstr("and 1 more error(s)"));
  EXPECT_THAT(text, Not(HasSubstr("/long/")));
  EXPECT_THAT(text, Not(HasSubstr("note:")));
}

TEST(CompilerWords, ADriftedSignatureIsComparedWithTheContract) {
  const std::string text = shorten_errors(
      "x.cpp:1:6: error: no previous declaration for 'void tinyllm::scalar::add(float*, int)'\n",
      "x.cpp", "x.cpp", kContract);
  EXPECT_THAT(text, HasSubstr("the parameters are not those of the contract"));
  EXPECT_THAT(text, HasSubstr(kContract[0]));
}

TEST(CompilerWords, WordsThatNobodyUnderstandsComeAsTheyAre) {
  EXPECT_EQ(shorten_errors("internal compiler error\n", "x.cpp", "x.cpp", {}),
            "internal compiler error\n");
}

TEST(ObjectSymbols, MissingAndExtraAreToldApart) {
  const SymbolFaults faults = compare_symbols({"a::f(int)", "a::g(int)"}, {"a::f(long)", "h()"});
  EXPECT_THAT(faults.missing, ElementsAre("a::f(int)", "a::g(int)"));
  EXPECT_THAT(faults.extra, ElementsAre("a::f(long)", "h()"));
  const std::string text = describe(faults, "code/x.cpp", "a/f.h");
  EXPECT_THAT(text, HasSubstr("you defined      a::f(long)\nthe contract is  a::f(int)"));
  EXPECT_THAT(text, HasSubstr("code/x.cpp does not define a::g(int)"));
  EXPECT_THAT(text, HasSubstr("code/x.cpp defines h(), which is not in the contract"));
}

TEST(SanitizerWords, NamesFaultFileAndLine) {
  const std::string text = shorten_sanitizer(
      "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\nWRITE of size 4 at 0x1\n"
      "    #0 0x1 in f(float*) /long/x.cpp:12\n    #1 0x2 in main /long/main.cpp:3\n",
      "/long/x.cpp", "code/x.cpp");
  EXPECT_THAT(text,
              HasSubstr("AddressSanitizer (heap-buffer-overflow): code/x.cpp, line 12, writes"));
  EXPECT_EQ(shorten_sanitizer("all is well\n", "x.cpp", "x.cpp"), "");
  EXPECT_THAT(shorten_sanitizer("/long/x.cpp:5:3: runtime error: index 9 out of bounds\n",
                                "/long/x.cpp", "x.cpp"),
              HasSubstr("UndefinedBehaviorSanitizer: x.cpp, line 5: index 9 out of bounds"));
}

}  // namespace
}  // namespace tinyllm::learn
