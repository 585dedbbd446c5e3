#pragma once
// The page of a day: its lesson.md with the parts of its tasks, and the questions at its end. Any
// thread.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "learn/manifest.h"

namespace tinyllm::learn {

// Throws Error{not_found} for a day without lesson.
std::filesystem::path lesson_file(const Day& day);

// The day's lesson.md. Its line `<!-- tasks -->` is replaced by the lesson.md of each of its tasks, in
// their order, with links that lead from the day's folder. Throws like lesson_file, and
// Error{invalid_input} where a task has a part and the page has no such line.
std::string day_markdown(const Course& course, const Day& day);

struct PageQuestion {
  std::string question, answer;
};

// The numbered lines below "## Explain it back", and those of the answers folded below them.
std::vector<PageQuestion> page_questions(std::string_view markdown);

}  // namespace tinyllm::learn
