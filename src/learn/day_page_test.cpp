// A day's page is put together of parts, and its questions are read from it.

#include "learn/day_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DayPage : public testing::Test {
 protected:
  DayPage() {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    course_ = fs::temp_directory_path() / ("tinyllm-day-page-" + name);
    fs::remove_all(course_);
    fs::create_directories(course_ / "week1/1.4-norms");
    for (const char* id : {"norm.rms", "mlp.silu"}) {
      fs::create_directories(course_ / "tasks" / id);
      Task task;
      task.id = id;
      task.day = "1.4";
      task.folder = course_ / "tasks" / id;
      tasks_.tasks.push_back(task);
    }
    tasks_.days.push_back({"1.4", "Norms", course_ / "week1/1.4-norms"});
    tasks_.days.push_back({"1.5", "Model", {}});
  }
  ~DayPage() override { fs::remove_all(course_); }

  void write(const std::string& file, const std::string& text) {
    write_file_atomic(course_ / file, text);
  }
  std::string page() const { return day_markdown(tasks_, tasks_.days[0]); }

  fs::path course_;
  Course tasks_;
};

TEST_F(DayPage, HoldsThePartsOfItsTasksInTheirOrder) {
  write("week1/1.4-norms/lesson.md", "# 1.4\n\n<!-- tasks -->\n## Next\n");
  write("tasks/norm.rms/lesson.md", "# Norm\n![a](a.svg) [b](https://b.org) [c](#c)\n");
  write("tasks/mlp.silu/lesson.md", "# SiLU\n");
  EXPECT_EQ(page(),
            "# 1.4\n\n# Norm\n![a](../../tasks/norm.rms/a.svg) [b](https://b.org) [c](#c)\n\n"
            "# SiLU\n\n## Next\n");
}

TEST_F(DayPage, APartWithoutAPlaceIsRefused) {
  write("week1/1.4-norms/lesson.md", "# 1.4\n");
  EXPECT_EQ(page(), "# 1.4\n");
  write("tasks/norm.rms/lesson.md", "# Norm\n");
  EXPECT_THROW(page(), Error);
}

TEST_F(DayPage, ADayWithoutLessonSaysSo) {
  try {
    day_markdown(tasks_, tasks_.days[1]);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("day 1.5 (Model) has no lesson yet"));
  }
}

TEST(PageQuestions, AreTheNumberedLinesWithTheirAnswers) {
  const auto found = page_questions(
      "1. no question\n## Explain it back\n\n1. What is\n   one?\n2. And two?\n\n<details>\n"
      "<summary>Answers</summary>\n\n1. The\n   first.\n2. The second.\n3. Too "
      "many.\n\n</details>\n"
      "\n## Next\n3. no question either\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].question, "What is one?");
  EXPECT_EQ(found[0].answer, "The first.");
  EXPECT_EQ(found[1].question, "And two?");
  EXPECT_EQ(found[1].answer, "The second.");
  EXPECT_TRUE(page_questions("# A page\n").empty());
}

}  // namespace
}  // namespace tinyllm::learn
