#pragma once
// The regions of an engine file that a lesson is about, between `// >>> task-id` and
// `// <<< task-id`: skeletons and excerpts are made from them. Any thread.

#include <string>
#include <string_view>

namespace tinyllm::learn {

// The engine file with each region of the task replaced by one LESSON_TODO line, and the include
// that it needs. Throws Error{invalid_input} when a region is missing, nested or not closed.
std::string make_skeleton(std::string_view engine_source, std::string_view task_id);

// The engine file without its region marks: the solution as a learner reads it.
std::string make_solution(std::string_view engine_source, std::string_view task_id);

// Whether a learner's file still holds a placeholder.
bool has_todo(std::string_view source);

}  // namespace tinyllm::learn
