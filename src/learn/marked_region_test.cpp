#include "learn/marked_region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tinyllm::learn {
namespace {

using testing::HasSubstr;

constexpr const char* kEngine =
    "#include \"kernels/add.h\"\n\n#include <cmath>\n\nvoid add(int* x) {\n  // >>> add.one\n"
    "  *x += 1;\n  // <<< add.one\n}\n";

std::string error_of(const std::string& source) {
  try {
    make_skeleton(source, "add.one");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(MarkedRegion, ASkeletonHasAPlaceholderForEachRegion) {
  EXPECT_EQ(make_skeleton(kEngine, "add.one"),
            "#include \"kernels/add.h\"\n\n#include \"base/lesson.h\"\n\n#include <cmath>\n\n"
            "void add(int* x) {\n  LESSON_TODO(\"add.one\");\n}\n");
}

TEST(MarkedRegion, TheSolutionIsTheFileWithoutMarks) {
  const std::string solution = make_solution(kEngine, "add.one");
  EXPECT_THAT(solution, HasSubstr("  *x += 1;\n}"));
  EXPECT_EQ(solution.find(">>>"), std::string::npos);
}

TEST(MarkedRegion, BrokenMarksAreRefused) {
  EXPECT_THAT(error_of("int x;\n"), HasSubstr("add.one: there is none"));
  EXPECT_THAT(error_of("// >>> add.one\nint x;\n"), HasSubstr("has no end"));
  EXPECT_THAT(error_of("// >>> add.one\n// >>> add.one\n"), HasSubstr("inside another"));
  EXPECT_THAT(error_of("// <<< add.one\n"), HasSubstr("did not begin"));
}

TEST(MarkedRegion, APlaceholderCountsAsCodeOnly) {
  EXPECT_TRUE(has_todo("void f() {\n  LESSON_TODO(\"x\");\n}\n"));
  EXPECT_FALSE(has_todo("void f() {\n  // LESSON_TODO(\"x\") stood here\n}\n"));
  EXPECT_FALSE(has_todo(""));
}

}  // namespace
}  // namespace tinyllm::learn
