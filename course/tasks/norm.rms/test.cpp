// norm.rms: the recorded cases, and what holds for every input.

#include "kernels/cpu/scalar/rms_norm.h"

#include <fmt/format.h>

#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  const Floats x = given.floats("x"), weight = given.floats("weight");
  Floats out(x.size(), kNotWritten);
  scalar::rms_norm(x.data(), weight.data(), out.data(), static_cast<std::int64_t>(x.size()),
                   given.number("eps"));
  answers.put("out", out);
  answers.expect_unchanged("x", x, given);
  answers.expect_unchanged("weight", weight, given);
}

std::string works_in_place() {
  const Floats x = random_floats(37, 1), weight = random_floats(37, 2);
  Floats apart(37), same = x;
  scalar::rms_norm(x.data(), weight.data(), apart.data(), 37, 1e-6f);
  scalar::rms_norm(same.data(), weight.data(), same.data(), 37, 1e-6f);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (same[i] == apart[i]) continue;
    return fmt::format(
        "with out == x, out[{}] is {:g} instead of {:g}: read x[i] before you write "
        "out[i]",
        i, same[i], apart[i]);
  }
  return "";
}

std::string size_does_not_matter() {
  // Twice the vector has twice the root mean square: nearly the same output (eps is small).
  const Floats x = random_floats(64, 3), weight(64, 1.0f);
  Floats twice = x, out(64), out_twice(64);
  for (std::size_t i = 0; i < 64; ++i) twice[i] *= 2.0f;
  scalar::rms_norm(x.data(), weight.data(), out.data(), 64, 1e-12f);
  scalar::rms_norm(twice.data(), weight.data(), out_twice.data(), 64, 1e-12f);
  for (std::size_t i = 0; i < 64; ++i) {
    if (std::abs(out[i] - out_twice[i]) <= 1e-4f * std::abs(out[i])) continue;
    return fmt::format("x and 2x should give the same, but out[{}] is {:g} and {:g}", i, out[i],
                       out_twice[i]);
  }
  return "";
}

std::string zeros_stay_zero() {
  const Floats x(5, 0.0f), weight(5, 3.0f);
  Floats out(5, kNotWritten);
  scalar::rms_norm(x.data(), weight.data(), out.data(), 5, 1e-5f);
  for (const float value : out) {
    if (value != 0.0f) return fmt::format("zeros became {:g}: this is what eps is for", value);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"works in place (out is x)", works_in_place},
           {"the size of x does not matter", size_does_not_matter},
           {"zeros stay zero", zeros_stay_zero}}};
}

}  // namespace tinyllm::learn
