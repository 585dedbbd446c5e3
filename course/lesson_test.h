#pragma once
// What each tasks/ID/test.cpp defines: LESSON_TEST(), the test of the task LESSON_TASK. The build takes both names from the
// folder's name (cmake/Lessons.cmake).

#include "learn/lesson_case.h"

namespace tinyllm::learn {

LessonTest LESSON_TEST();

}  // namespace tinyllm::learn
