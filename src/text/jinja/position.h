#pragma once
// Where in a template something stands, and the one form of error that the template engine throws.

#include <fmt/core.h>

#include <string>
#include <utility>

#include "base/error.h"

namespace tinyllm::jinja {

struct Position {  // both count from 1; columns count characters
  int line = 1;
  int column = 1;
};

template <typename... Args>
[[noreturn]] void fail_at(Position position, ErrorCode code, fmt::format_string<Args...> format,
                          Args&&... args) {
  fail(code, "chat template, line {}, column {}: {}", position.line, position.column,
       fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tinyllm::jinja
