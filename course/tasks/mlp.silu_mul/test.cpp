// mlp.silu_mul: the recorded cases, and what holds for every row.

#include "kernels/cpu/scalar/silu_mul.h"

#include <fmt/format.h>

#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  const Floats gate = given.floats("gate"), up = given.floats("up");
  Floats out(gate.size(), kNotWritten);
  scalar::silu_mul(gate.data(), up.data(), out.data(), static_cast<std::int64_t>(gate.size()));
  answers.put("out", out);
  answers.expect_unchanged("gate", gate, given);
  answers.expect_unchanged("up", up, given);
}

std::string works_in_place() {
  const Floats gate = random_floats(41, 1, 3.0f), up = random_floats(41, 2);
  Floats apart(41), same = gate;
  scalar::silu_mul(gate.data(), up.data(), apart.data(), 41);
  scalar::silu_mul(same.data(), up.data(), same.data(), 41);
  for (std::size_t i = 0; i < 41; ++i) {
    if (same[i] == apart[i]) continue;
    return fmt::format("with out == gate, out[{}] is {:g} instead of {:g}", i, same[i], apart[i]);
  }
  return "";
}

// up is not bent by any curve: twice as much of it gives exactly twice as much.
std::string twice_up_is_twice_out() {
  const Floats gate = random_floats(50, 3, 3.0f), up = random_floats(50, 4);
  Floats twice = up, out(50), out_twice(50);
  for (std::size_t i = 0; i < 50; ++i) twice[i] *= 2.0f;
  scalar::silu_mul(gate.data(), up.data(), out.data(), 50);
  scalar::silu_mul(gate.data(), twice.data(), out_twice.data(), 50);
  for (std::size_t i = 0; i < 50; ++i) {
    if (out_twice[i] == 2.0f * out[i]) continue;
    return fmt::format("up * 2: out[{}] must be 2 * {:g}, you have {:g}", i, out[i], out_twice[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"works in place (out is gate)", works_in_place},
           {"twice up is twice out", twice_up_is_twice_out}}};
}

}  // namespace tinyllm::learn
