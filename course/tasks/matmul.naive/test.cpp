// matmul.naive: the recorded cases, and what holds for every input.

#include "kernels/cpu/scalar/matmul.h"

#include <fmt/format.h>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  const Floats a = given.floats("a"), b = given.floats("b");
  Floats out = given.floats("out_before");
  scalar::matmul(a.data(), given.integer("a_stride"), b.data(), given.integer("b_stride"),
                 out.data(), given.integer("out_stride"), given.integer("n_m"),
                 given.integer("n_n"), given.integer("n_k"));
  answers.put("out", out);
  answers.expect_unchanged("a", a, given);
  answers.expect_unchanged("b", b, given);
}

// Whole numbers: every order of addition gives exactly the same.
std::string identity_copies() {
  Floats a(4 * 4, 0.0f), b(3 * 4), out(4 * 3, 0.0f);
  for (std::size_t i = 0; i < 4; ++i) a[i * 4 + i] = 1.0f;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i + 1);
  scalar::matmul(a.data(), 4, b.data(), 4, out.data(), 3, 4, 3, 4);
  for (std::size_t m = 0; m < 4; ++m) {
    for (std::size_t n = 0; n < 3; ++n) {
      if (out[m * 3 + n] == b[n * 4 + m]) continue;
      return fmt::format("with a = identity, out[{}][{}] must be b[{}][{}] = {:g}, you have {:g}",
                         m, n, n, m, b[n * 4 + m], out[m * 3 + n]);
    }
  }
  return "";
}

std::string twice_adds_twice() {
  Floats a(2 * 3), b(2 * 3), out(4, 0.0f);
  for (std::size_t i = 0; i < 6; ++i) {
    a[i] = static_cast<float>(i + 1);
    b[i] = static_cast<float>(2 * i) - 3.0f;
  }
  scalar::matmul(a.data(), 3, b.data(), 3, out.data(), 2, 2, 2, 3);
  const Floats once = out;
  scalar::matmul(a.data(), 3, b.data(), 3, out.data(), 2, 2, 2, 3);
  for (std::size_t i = 0; i < 4; ++i) {
    if (out[i] == 2 * once[i]) continue;
    return fmt::format("called twice, out[{}] must be twice as large: {:g}, you have {:g}", i,
                       2 * once[i], out[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"the identity copies b", identity_copies}, {"adds to out", twice_adds_twice}}};
}

}  // namespace tinyllm::learn
