// rope.split_halves: the recorded cases, and what holds for every head and position.

#include "kernels/cpu/scalar/rope_split_halves.h"

#include <fmt/format.h>

#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  Floats x = given.floats("x");
  const Floats cos = given.floats("cos"), sin = given.floats("sin");
  scalar::rope_split_halves(x.data(), cos.data(), sin.data(), static_cast<std::int64_t>(x.size()));
  answers.put("x", x);
  answers.expect_unchanged("cos", cos, given);
  answers.expect_unchanged("sin", sin, given);
}

constexpr std::int64_t kDim = 16;

Floats at_position(Floats x, int position) {
  Floats cos(kDim / 2), sin(kDim / 2);
  for (std::int64_t i = 0; i < kDim / 2; ++i) {
    const double angle = position * std::pow(100.0, -2.0 * static_cast<double>(i) / kDim);
    cos[i] = static_cast<float>(std::cos(angle));
    sin[i] = static_cast<float>(std::sin(angle));
  }
  scalar::rope_split_halves(x.data(), cos.data(), sin.data(), kDim);
  return x;
}

double dot(const Floats& a, const Floats& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

std::string length_stays() {
  const Floats x = random_floats(kDim, 1), turned = at_position(x, 9);
  const double before = std::sqrt(dot(x, x)), after = std::sqrt(dot(turned, turned));
  return std::abs(before - after) <= 1e-5
             ? ""
             : fmt::format("a turn keeps the length, but it went from {:g} to {:g}", before, after);
}

// The point of RoPE: a score depends on how far apart two tokens are, not on where they stand.
std::string only_the_distance_counts() {
  const Floats q = random_floats(kDim, 2), k = random_floats(kDim, 3);
  for (const int shift : {1, 5, 40}) {
    const double here = dot(at_position(q, 7), at_position(k, 4));
    const double there = dot(at_position(q, 7 + shift), at_position(k, 4 + shift));
    if (std::abs(here - there) <= 1e-4) continue;
    return fmt::format("q at 7, k at 4 give the score {:g}; both {} further on they give {:g}",
                       here, shift, there);
  }
  return "";
}

std::string turning_back_undoes_it() {
  const Floats x = random_floats(kDim, 4), back = at_position(at_position(x, 6), -6);
  for (std::int64_t i = 0; i < kDim; ++i) {
    if (std::abs(x[i] - back[i]) <= 1e-5f) continue;
    return fmt::format("turned by 6 positions and back, x[{}] is {:g} instead of {:g}", i, back[i],
                       x[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"the length stays", length_stays},
           {"only the distance counts", only_the_distance_counts},
           {"turning back undoes it", turning_back_undoes_it}}};
}

}  // namespace tinyllm::learn
