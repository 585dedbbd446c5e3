#include "agent/calculator.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tinyllm {
namespace {

std::string outcome(const std::string& expression) {
  try {
    return calculate(expression);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Calculator, Values) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"-2^2", "-4"},
      {"2^-1", "0.5"},
      {"2^3^2", "512"},
      {"2 ** 10", "1024"},
      {"7 / 2", "3.5"},
      {"6 / 2", "3"},
      {"-7 % 3", "2"},
      {"7 % -3", "-2"},
      {"0.1 + 0.2", "0.3"},
      {"1e3", "1000"},
      {"123456789 * 987654321", "121932631112635269"},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775807 + 1", "9.22337203685478e+18"},
      {"(-9223372036854775807 - 1) / -1", "9.22337203685478e+18"},
      {"(-9223372036854775807 - 1) % -1", "0"},
      {"2^63", "9.22337203685478e+18"},
      {"3^40", "1.21576654590569e+19"},
      {"sqrt(2)", "1.4142135623731"},
      {"sqrt(16) + abs(-3) + min(4, 2, 3) + max(1, 5)", "14"},
      {"round(2.5) + floor(-1.5) + ceil(1.2)", "3"},
      {"ln(e) + log(1000) + log2(8)", "7"},
      {"sin(pi / 2) + cos(0)", "2"},
      {".5 * 4", "2"},
      {"--3", "3"},
  };
  for (const auto& [expression, value] : cases) {
    EXPECT_EQ(outcome(expression), value) << expression;
  }
}

TEST(Calculator, WhatIsWrongHasItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "at 1 of '': a number is missing"},
      {"2 * (3", "at 7 of '2 * (3': a ')' is missing"},
      {"2 +", "at 4 of '2 +': a number is missing"},
      {"2 3", "at 3 of '2 3': '3' does not fit here"},
      {"1 / 0", "at 6 of '1 / 0': a division by zero"},
      {"0 ^ -1", "at 7 of '0 ^ -1': a division by zero"},
      {"sqrt(-1)", "at 9 of 'sqrt(-1)': this has no real value"},
      {"10 ^ 400", "at 9 of '10 ^ 400': this is too large"},
      {"1e999", "at 1 of '1e999': this number is too large or too small"},
      {"system(1)",
       "at 1 of 'system(1)': 'system' is not known; pi, e, abs, min, max, sqrt, exp, ln, log, "
       "log2, "
       "sin, cos, tan, asin, acos, atan, floor, ceil and round are"},
      {"sqrt 4", "at 6 of 'sqrt 4': a '(' is missing"},
      {"sqrt(1, 2)", "at 11 of 'sqrt(1, 2)': 2 values where 1 belong"},
  };
  for (const auto& [expression, message] : cases) EXPECT_EQ(outcome(expression), message);
  EXPECT_NE(outcome(std::string(500, '(')).find("nested too deeply"), std::string::npos);
  EXPECT_NE(outcome(std::string(500, '-')).find("nested too deeply"), std::string::npos);
  EXPECT_EQ(outcome(std::string(2000, '1')), "the expression has 2000 bytes, 1000 are the most");
}

}  // namespace
}  // namespace tinyllm
