#include "apps/number_range.h"

#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <charconv>
#include <string>

namespace tinyllm {

CLI::Validator number_in(double low, double high) {
  const auto check = [low, high](const std::string& text) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && rest == end && value >= low && value <= high) return std::string();
    return fmt::format("is {}, must be in [{:.12g}, {:.12g}]", text, low, high);
  };
  return CLI::Validator(check, "");
}

}  // namespace tinyllm
