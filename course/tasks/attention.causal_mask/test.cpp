// attention.causal_mask: the recorded cases, and what holds for every mask.

#include "kernels/cpu/scalar/causal_mask.h"

#include <fmt/format.h>

#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  const std::int64_t n_queries = given.integer("n_queries"), n_keys = given.integer("n_keys");
  Floats mask(static_cast<std::size_t>(n_queries * n_keys), kNotWritten);
  scalar::causal_mask(mask.data(), n_queries, n_keys);
  answers.put("mask", mask);
}

Floats mask_of(std::int64_t n_queries, std::int64_t n_keys) {
  Floats mask(static_cast<std::size_t>(n_queries * n_keys), kNotWritten);
  scalar::causal_mask(mask.data(), n_queries, n_keys);
  return mask;
}

// A prompt that is read in two parts gets the rows that it gets in one.
std::string parts_give_the_rows_of_the_whole() {
  constexpr std::int64_t kTokens = 9;
  const Floats whole = mask_of(kTokens, kTokens);
  for (std::int64_t n_last = 1; n_last < kTokens; ++n_last) {
    const Floats part = mask_of(n_last, kTokens);
    for (std::size_t at = 0; at < part.size(); ++at) {
      if (part[at] == whole[whole.size() - part.size() + at]) continue;
      return fmt::format(
          "the last {} of {} tokens: row {}, key {} is {:g}, but {:g} when all are read "
          "at once",
          n_last, kTokens, at / kTokens, at % kTokens, part[at],
          whole[whole.size() - part.size() + at]);
    }
  }
  return "";
}

// The softmax of a row in which nothing is seen would be 0 / 0.
std::string every_query_sees_itself() {
  const Floats mask = mask_of(5, 12);
  for (std::int64_t i = 0; i < 5; ++i) {
    const float own = mask[i * 12 + 7 + i];
    if (own != 0.0f)
      return fmt::format("query {} of 5 after 7 must see itself; its mask is {:g}", i, own);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"parts of a prompt give the rows of the whole", parts_give_the_rows_of_the_whole},
           {"every query sees itself", every_query_sees_itself}}};
}

}  // namespace tinyllm::learn
