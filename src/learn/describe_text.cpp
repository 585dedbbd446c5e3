#include "learn/describe_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "learn/lines_of.h"

namespace tinyllm::learn {
namespace {

constexpr std::size_t kShownSteps = 6;  // before the one that went wrong

// Line and column of a character, both from 0. The column counts characters, not bytes.
struct Place {
  std::size_t line = 0, column = 0;
};

Place place_of(const std::string& text, std::int64_t index) {
  Place place;
  for (std::size_t i = 0; i < std::min(text.size(), static_cast<std::size_t>(index)); ++i) {
    const bool is_continuation = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
    if (text[i] == '\n') {
      place = {place.line + 1, 0};
    } else if (!is_continuation) {
      place.column += 1;
    }
  }
  return place;
}

std::string line_or_nothing(const std::vector<std::string>& lines, std::size_t i) {
  return i < lines.size() ? lines[i] : "(nothing)";
}

// "  yours  ..." over "  right  ..." with a mark below the first character that differs.
std::string yours_and_right(const std::string& yours, const std::string& right,
                            std::size_t column) {
  return fmt::format("  yours  {}\n  right  {}\n         {}^\n", yours, right,
                     std::string(column, ' '));
}

}  // namespace

std::string describe_text(const GoldenCase& golden, const Wanted& wanted, const std::string& got,
                          std::int64_t index) {
  const std::vector<std::string> yours = lines_of(got), right = lines_of(wanted.text);
  const Place place = place_of(got, index);
  const std::string where =
      right.size() <= 1 && yours.size() <= 1
          ? wanted.name
          : fmt::format("{}, line {} of {}", wanted.name, place.line + 1, right.size());
  const std::string mine = line_or_nothing(yours, place.line);
  const std::string theirs = line_or_nothing(right, place.line);
  return fmt::format("{} is '{}', must be '{}'\n  given  {}\n{}", where, mine, theirs, golden.shown,
                     yours_and_right(mine, theirs, place.column));
}

std::string describe_trace(const GoldenCase& golden, const Wanted& wanted, const std::string& got,
                           std::int64_t index) {
  const std::vector<std::string> yours = lines_of(got), right = lines_of(wanted.text);
  const Place place = place_of(got, index);
  const std::size_t step = std::min(place.line, right.empty() ? 0 : right.size() - 1);
  const std::string mine = line_or_nothing(yours, step);
  std::string text = fmt::format("step {} of {}: the answer is {}, must be {}\n  given  {}\n",
                                 step + 1, right.size(), mine, right.at(step), golden.shown);
  const std::size_t first = step > kShownSteps ? step - kShownSteps : 0;
  if (first > 0) text += fmt::format("  ...    {} steps before these are right\n", first);
  for (std::size_t i = first; i < step; ++i) {
    text += fmt::format("  {:<7}{}\n         -> {}\n", i + 1, wanted.calls[i], right[i]);
  }
  text += fmt::format("  {:<7}{}\n", step + 1, wanted.calls[step]);
  return text + yours_and_right(mine, right[step], place.column);
}

}  // namespace tinyllm::learn
