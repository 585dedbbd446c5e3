# The lessons' tests: in the binary, which runs them in a child process on a learner's code. One folder a task, found by
# its test.cpp. The folder's name is the task's id and names the function, and the table of all is written here.

file(GLOB lesson_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/course/tasks/*/test.cpp)
set(lesson_declarations "")
set(lesson_calls "")
foreach(source IN LISTS lesson_sources)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME task)
  string(MAKE_C_IDENTIFIER "lesson_${task}" function)
  set_property(SOURCE ${source} PROPERTY COMPILE_DEFINITIONS LESSON_TASK="${task}" LESSON_TEST=${function})
  string(APPEND lesson_declarations "LessonTest ${function}();\n")
  string(APPEND lesson_calls "                                   ${function}(),\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/lesson_table.cpp CONTENT [[
// Written by cmake/Lessons.cmake.
#include <array>
#include "learn/lesson_case.h"
namespace tinyllm::learn {
@lesson_declarations@
std::span<const LessonTest> lesson_tests() {
  static const std::array tests = {
@lesson_calls@  };
  return tests;
}
}  // namespace tinyllm::learn
]] @ONLY)

add_library(tinyllm_lessons STATIC ${lesson_sources} ${CMAKE_BINARY_DIR}/lesson_table.cpp)
target_include_directories(tinyllm_lessons PRIVATE ${CMAKE_SOURCE_DIR}/course)
target_link_libraries(tinyllm_lessons PUBLIC tinyllm)
