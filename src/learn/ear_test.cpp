// The quiz of broken operators sends nobody to a page that does not teach the operator.

#include "learn/ear.h"

#include <gtest/gtest.h>

#include <utility>

namespace tinyllm::learn {
namespace {

Mutant bug(const char* engine_file, const char* day) {
  Mutant mutant;
  mutant.engine_file = engine_file;
  mutant.lesson = day;
  return mutant;
}

TEST(LessonLink, LeadsOnlyToALessonThatTeachesTheOperator) {
  Course course;
  for (const auto& [id, title] : {std::pair("1.2", "RoPE"), {"1.4", "RMSNorm and MLP"}}) {
    Day day;
    day.id = id;
    day.title = title;
    course.days.push_back(day);
  }
  course.days[1].folder = "week1/1.4-rms-norm";
  Task norm;
  norm.day = "1.4";
  norm.engine_file = "kernels/cpu/scalar/rms_norm.cpp";
  course.tasks = {norm};
  EXPECT_EQ(lesson_link(course, bug("kernels/cpu/scalar/rms_norm.cpp", "1.4")),
            "(day 1.4: ./tiny learn read 1.4)");
  EXPECT_EQ(lesson_link(course, bug("kernels/cpu/scalar/silu.cpp", "1.4")),
            "(day 1.4, RMSNorm and MLP: its lesson is not written yet)");
  EXPECT_EQ(lesson_link(course, bug("kernels/cpu/scalar/rope_interleaved.cpp", "1.2")),
            "(day 1.2, RoPE: its lesson is not written yet)");
  EXPECT_EQ(lesson_link(course, bug("kernels/cpu/scalar/silu.cpp", "9.9")), "");
}

}  // namespace
}  // namespace tinyllm::learn
