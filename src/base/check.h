#pragma once
// CHECK(condition, "wq is [{}], want [{}]", ...): a programmer's fault.
// Prints file, line, condition and the message to stderr and aborts,
// in every build type. For bad input use fail() of base/error.h.

#include <fmt/core.h>

#include <string>

namespace tinyllm {

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);

}  // namespace tinyllm

#define CHECK(condition, ...)                                                              \
  do {                                                                                     \
    if (!(condition)) [[unlikely]] {                                                       \
      ::tinyllm::check_failed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
    }                                                                                      \
  } while (false)
