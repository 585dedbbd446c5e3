#pragma once
// A check's result as text for a terminal,
// as JSON for programs and as JUnit XML for CI. Any thread.

#include <string>
#include <vector>

#include "learn/check.h"
#include "learn/screen.h"

namespace tinyllm::learn {

struct CheckText {
  bool explained = false;  // with the rows of numbers, the known mistake and its question
  bool in_loop = false;    // one key is enough for what to do next
};

std::string as_text(const Task& task, const CheckResult& result, const Style& style,
                    const CheckText& options);
std::string as_json(const std::vector<CheckResult>& results);
std::string as_junit(const std::vector<CheckResult>& results);

}  // namespace tinyllm::learn
