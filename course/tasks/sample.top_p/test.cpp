// sample.top_p: the recorded cases, and what holds for every row of candidates.

#include "sampling/top_p.h"

#include <fmt/format.h>

#include <algorithm>

#include "candidates_of_case.h"
#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  Candidates candidates = candidates_of(given);
  const std::size_t n_kept = keep_top_p({candidates.data(), candidates.size()}, given.number("p"));
  answers.put("n_kept", static_cast<std::int64_t>(n_kept));
  answers.put("kept_ids", kept_ids(candidates, n_kept));
  answers.expect_inside("candidates", candidates);
}

// The same tokens in another order: the same are kept.
std::string input_order_does_not_matter() {
  Candidates one = random_candidates(50, 1), two = one;
  std::reverse(two.data(), two.data() + two.size());
  const std::size_t n_one = keep_top_p({one.data(), one.size()}, 0.7f);
  const std::size_t n_two = keep_top_p({two.data(), two.size()}, 0.7f);
  const Ints a = kept_ids(one, n_one), b = kept_ids(two, n_two);
  if (n_one == n_two && std::equal(a.begin(), a.end(), b.begin())) return "";
  return fmt::format("the same 50 tokens backwards: {} and {} are kept, and not the same ones",
                     n_one, n_two);
}

// Nobody is lost or doubled: the span still holds every candidate once.
std::string everybody_is_still_there() {
  Candidates row = random_candidates(50, 2);
  keep_top_p({row.data(), row.size()}, 0.7f);
  const Ints ids = kept_ids(row, row.size());
  for (TokenId id = 0; id < 50; ++id) {
    const auto n = std::count(ids.begin(), ids.end(), id);
    if (n != 1) return fmt::format("token {} stands {} times in the span now, must be once", id, n);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"the order of the input does not matter", input_order_does_not_matter},
           {"everybody is still there", everybody_is_still_there}}};
}

}  // namespace tinyllm::learn
