// softmax.row: the recorded cases, and what holds for every row.

#include "kernels/cpu/scalar/softmax.h"

#include <fmt/format.h>

#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  Floats x = given.floats("x");
  scalar::softmax(x.data(), static_cast<std::int64_t>(x.size()));
  answers.put("x", x);
}

std::string sums_to_one() {
  for (const std::size_t n : {1u, 2u, 17u, 300u}) {
    Floats x = random_floats(n, n, 5.0f);
    scalar::softmax(x.data(), static_cast<std::int64_t>(n));
    double sum = 0;
    for (const float p : x) sum += p;
    if (std::abs(sum - 1) > 1e-5) return fmt::format("{} probabilities sum to {:g}", n, sum);
  }
  return "";
}

std::string shift_changes_nothing() {
  const Floats scores = random_floats(9, 7, 2.0f);
  Floats x = scores, moved = scores;
  for (std::size_t i = 0; i < 9; ++i) moved[i] += 64.0f;
  scalar::softmax(x.data(), 9);
  scalar::softmax(moved.data(), 9);
  for (std::size_t i = 0; i < 9; ++i) {
    // Adding 64 rounds each score to 2^-18; exp turns that into as large a relative change.
    if (std::abs(x[i] - moved[i]) <= 1e-4f * x[i]) continue;
    return fmt::format("all scores + 64: p[{}] went from {:g} to {:g}, must stay", i, x[i],
                       moved[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"probabilities sum to 1", sums_to_one},
           {"the same number added to all scores changes nothing", shift_changes_nothing}}};
}

}  // namespace tinyllm::learn
