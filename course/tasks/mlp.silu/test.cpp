// mlp.silu: the recorded cases, and what holds for every number.

#include "kernels/cpu/scalar/silu.h"

#include <fmt/format.h>

#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  const Floats x = given.floats("x");
  Floats out(x.size(), kNotWritten);
  scalar::silu(x.data(), out.data(), static_cast<std::int64_t>(x.size()));
  answers.put("out", out);
  answers.expect_unchanged("x", x, given);
}

std::string works_in_place() {
  const Floats x = random_floats(33, 1, 3.0f);
  Floats apart(33), same = x;
  scalar::silu(x.data(), apart.data(), 33);
  scalar::silu(same.data(), same.data(), 33);
  for (std::size_t i = 0; i < 33; ++i) {
    if (same[i] == apart[i]) continue;
    return fmt::format("with out == x, out[{}] is {:g} instead of {:g}", i, same[i], apart[i]);
  }
  return "";
}

// sigmoid(x) + sigmoid(-x) = 1, so silu(x) - silu(-x) = x.
std::string both_sides_make_x() {
  const Floats x = random_floats(40, 2, 4.0f);
  Floats minus(40), plus_side(40), minus_side(40);
  for (std::size_t i = 0; i < 40; ++i) minus[i] = -x[i];
  scalar::silu(x.data(), plus_side.data(), 40);
  scalar::silu(minus.data(), minus_side.data(), 40);
  for (std::size_t i = 0; i < 40; ++i) {
    if (std::abs(plus_side[i] - minus_side[i] - x[i]) <= 1e-5f * (1 + std::abs(x[i]))) continue;
    return fmt::format("silu({0:g}) - silu(-{0:g}) must be {0:g}, you have {1:g}", x[i],
                       plus_side[i] - minus_side[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"works in place (out is x)", works_in_place},
           {"silu(x) - silu(-x) is x", both_sides_make_x}}};
}

}  // namespace tinyllm::learn
