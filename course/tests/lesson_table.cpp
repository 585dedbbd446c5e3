// Every lesson's test, in the order of the course.

#include "lesson_table.h"

#include <array>

namespace tinyllm::learn {

std::span<const LessonTest> lesson_tests() {
  static const std::array tests = {strides_test(), matmul_test(), softmax_test(), rms_norm_test()};
  return tests;
}

}  // namespace tinyllm::learn
