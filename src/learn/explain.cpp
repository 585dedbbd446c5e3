#include "learn/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "learn/describe_text.h"

namespace tinyllm::learn {
namespace {

constexpr std::int64_t kShownAround = 6;

// "head=1, dim=3" of a flat index.
std::string coordinates(const Wanted& wanted, std::int64_t index) {
  std::vector<std::int64_t> at(wanted.shape.size());
  for (std::size_t axis = wanted.shape.size(); axis-- > 0;) {
    at[axis] = index % wanted.shape[axis];
    index /= wanted.shape[axis];
  }
  std::string text;
  for (std::size_t axis = 0; axis < at.size(); ++axis) {
    text += fmt::format("{}{}={}", axis == 0 ? "" : ", ", wanted.axes[axis], at[axis]);
  }
  return text;
}

// Values [begin, end) of a row of `width`.
std::string row(const std::vector<double>& values, std::int64_t begin, std::int64_t end,
                std::int64_t width) {
  std::string text = begin % width > 0 ? "... " : "";
  for (std::int64_t i = begin; i < end; ++i) {
    text += i < static_cast<std::int64_t>(values.size()) ? fmt::format("{:>11.5g}", values[i])
                                                         : fmt::format("{:>11}", "-");
  }
  return text + (end % width > 0 ? " ..." : "");
}

std::string describe_numbers(const GoldenCase& golden, const Wanted& wanted,
                             const std::vector<double>& got, std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  const bool is_scalar = wanted.shape.empty();
  const std::string name =
      is_scalar ? wanted.name : fmt::format("{}[{}]", wanted.name, coordinates(wanted, index));
  const double value = i < got.size() ? got[i] : std::nan("");
  std::string text =
      value == kNotWritten
          ? fmt::format("{} was never written, must be {:.7g}", name, wanted.values[i])
          : fmt::format("{} is {:.7g}, must be {:.7g}", name, value, wanted.values[i]);
  if (wanted.tolerance[i] > 0) text += fmt::format(" (+- {:.1g} is allowed)", wanted.tolerance[i]);
  text += "\n  given  " + golden.shown + "\n";
  if (is_scalar) return text;
  // The row of the last axis that holds the value, or the part of it around the value.
  const std::int64_t width = wanted.shape.back();
  const std::int64_t row_begin = index / width * width;
  const std::int64_t begin =
      std::max(row_begin, std::min(index - kShownAround / 2, row_begin + width - kShownAround));
  const std::int64_t end = std::min(row_begin + width, begin + kShownAround);
  text += fmt::format("  yours  {}\n", row(got, begin, end, width));
  text += fmt::format("  right  {}\n", row(wanted.values, begin, end, width));
  const auto indent = static_cast<std::size_t>((index - begin) * 11 + (begin % width > 0 ? 4 : 0));
  text += fmt::format("         {}{:>11}\n", std::string(indent, ' '), "^^^^^");
  return text;
}

}  // namespace

std::string describe_wrong(const GoldenCase& golden, const Wanted& wanted, const Answer& got,
                           std::int64_t index) {
  static const std::vector<double> kNoNumbers;
  const auto* numbers = std::get_if<std::vector<double>>(&got);
  const auto* text = std::get_if<std::string>(&got);
  switch (wanted.kind) {
    case AnswerKind::numbers:
      return describe_numbers(golden, wanted, numbers == nullptr ? kNoNumbers : *numbers, index);
    case AnswerKind::text:
      return describe_text(golden, wanted, text == nullptr ? "" : *text, index);
    case AnswerKind::trace:
      return describe_trace(golden, wanted, text == nullptr ? "" : *text, index);
  }
  return "";
}

bool same_answer(const Wanted& wanted, const Answer& one, const Answer& other) {
  if (wanted.kind != AnswerKind::numbers || one.index() != other.index()) return one == other;
  const auto& a = std::get<std::vector<double>>(one);
  const auto& b = std::get<std::vector<double>>(other);
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i])) return false;
    if (std::isnan(a[i]) || a[i] == b[i]) continue;
    if (std::isinf(a[i]) || std::isinf(b[i])) return false;
    const double scale = std::abs(wanted.values[i]) > 0
                             ? std::max(1.0, std::abs(a[i] / wanted.values[i]))
                             : 1.0 + std::abs(a[i]);
    if (!(std::abs(a[i] - b[i]) <= 4 * wanted.tolerance[i] * scale + 1e-6 * std::abs(a[i]))) {
      return false;
    }
  }
  return true;
}

std::string known_mistake(const std::vector<GoldenCase>& golden,
                          const std::map<std::string, CaseAnswers>& recorded,
                          const CaseAnswers& answers) {
  for (const auto& [mutant, by_case] : recorded) {
    bool equal = true, differs = false;
    for (const GoldenCase& one : golden) {
      const auto theirs = by_case.find(one.given.name());
      const auto mine = answers.find(one.given.name());
      if (theirs == by_case.end() || mine == answers.end()) continue;
      for (const Wanted& wanted : one.wanted) {
        const auto a = theirs->second.find(wanted.name), b = mine->second.find(wanted.name);
        if (a == theirs->second.end() || b == mine->second.end()) {
          equal = false;
          continue;
        }
        equal = equal && same_answer(wanted, a->second, b->second);
        differs = differs || first_wrong(wanted, a->second) >= 0;
      }
    }
    if (equal && differs) return mutant;
  }
  return "";
}

}  // namespace tinyllm::learn
