#include "learn/sanitizer_words.h"

#include <fmt/format.h>

#include <sstream>

namespace tinyllm::learn {
namespace {

// The line number behind `source` in a line of a stack trace; "" when it is not there.
std::string line_in(const std::string& line, const std::string& source) {
  const std::size_t at = line.find(source + ":");
  if (at == line.npos) return "";
  const std::size_t begin = at + source.size() + 1;
  const std::size_t end = line.find_first_not_of("0123456789", begin);
  return line.substr(begin, end == line.npos ? end : end - begin);
}

std::string word_after(const std::string& line, std::string_view words) {
  const std::size_t at = line.find(words);
  if (at == line.npos) return "";
  const std::size_t begin = at + words.size();
  return line.substr(begin, line.find(' ', begin) - begin);
}

// What the names mean, for who sees them the first time.
std::string meaning(const std::string& fault) {
  if (fault == "heap-buffer-overflow") return "beyond the end (or before the begin) of an array";
  if (fault == "stack-buffer-overflow") return "beyond the end of a local array";
  if (fault == "SEGV") return "at an address that belongs to nobody";
  if (fault == "heap-use-after-free") return "in memory that was given back";
  return "where it must not";
}

}  // namespace

std::string shorten_sanitizer(std::string_view output, const std::string& source,
                              const std::string& shown) {
  std::istringstream lines{std::string(output)};
  std::string fault, access, place;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(": runtime error: ") != line.npos && fault.empty()) {
      return fmt::format("  UndefinedBehaviorSanitizer: {}, line {}: {}\n", shown,
                         line_in(line, source), line.substr(line.find("runtime error: ") + 15));
    }
    if (fault.empty()) fault = word_after(line, "ERROR: AddressSanitizer: ");
    if (fault.empty()) continue;
    if (access.empty() && line.starts_with("WRITE of size")) access = "writes";
    if (access.empty() && line.starts_with("READ of size")) access = "reads";
    if (access.empty() && line.find("caused by a WRITE") != line.npos) access = "writes";
    if (access.empty() && line.find("caused by a READ") != line.npos) access = "reads";
    if (place.empty()) place = line_in(line, source);
  }
  if (fault.empty()) return "";
  return fmt::format("  AddressSanitizer ({}): {}{} {} {}\n", fault, shown,
                     place.empty() ? "" : ", line " + place + ",",
                     access.empty() ? "touches memory" : access, meaning(fault));
}

}  // namespace tinyllm::learn
