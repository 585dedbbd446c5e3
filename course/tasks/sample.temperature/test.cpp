// sample.temperature: the recorded cases, and what holds for every row of logits.

#include "sampling/temperature.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

Floats exponents_of(const Floats& logits, float max_logit, float temperature) {
  Floats exponents(logits.size(), kNotWritten);
  apply_temperature({logits.data(), logits.size()}, max_logit, temperature,
                    {exponents.data(), exponents.size()});
  return exponents;
}

void run(const Case& given, Answers& answers) {
  const Floats logits = given.floats("logits");
  answers.put("exponents",
              exponents_of(logits, given.number("max_logit"), given.number("temperature")));
  answers.expect_unchanged("logits", logits, given);
}

constexpr std::size_t kLogits = 40;

std::string order_stays() {
  const Floats logits = random_floats(kLogits, 1, 3.0f);
  for (const float temperature : {0.1f, 1.0f, 10.0f}) {
    const Floats exponents =
        exponents_of(logits, *std::max_element(logits.begin(), logits.end()), temperature);
    for (std::size_t i = 1; i < kLogits; ++i) {
      if ((logits[i] > logits[i - 1]) == (exponents[i] > exponents[i - 1])) continue;
      return fmt::format(
          "temperature {:g}: logits {:g} and {:g} became {:g} and {:g}; no temperature "
          "changes which token is likelier",
          temperature, logits[i - 1], logits[i], exponents[i - 1], exponents[i]);
    }
  }
  return "";
}

// A power of two is exact: half the exponents, to the last bit.
std::string twice_as_hot_is_half_as_far() {
  const Floats logits = random_floats(kLogits, 2, 3.0f);
  const float largest = *std::max_element(logits.begin(), logits.end());
  const Floats one = exponents_of(logits, largest, 1.0f), two = exponents_of(logits, largest, 2.0f);
  for (std::size_t i = 0; i < kLogits; ++i) {
    if (two[i] == one[i] / 2) continue;
    return fmt::format(
        "temperature 1 gives {:g} for token {}, so temperature 2 must give {:g}; you have "
        "{:g}",
        one[i], i, one[i] / 2, two[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"the order of the tokens stays", order_stays},
           {"twice the temperature is half the exponents", twice_as_hot_is_half_as_far}}};
}

}  // namespace tinyllm::learn
