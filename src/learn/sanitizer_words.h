#pragma once
// What AddressSanitizer and UBSan found, in two lines: the name of the fault, and where in the
// learner's file. Any thread.

#include <string>
#include <string_view>

namespace tinyllm::learn {

// "" when `output` holds no report.
std::string shorten_sanitizer(std::string_view output, const std::string& source,
                              const std::string& shown);

}  // namespace tinyllm::learn
