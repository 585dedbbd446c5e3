#pragma once
// The tests of this folder, one function a task.

#include "learn/lesson_case.h"

namespace tinyllm::learn {

LessonTest strides_test();
LessonTest matmul_test();
LessonTest softmax_test();
LessonTest rms_norm_test();

}  // namespace tinyllm::learn
