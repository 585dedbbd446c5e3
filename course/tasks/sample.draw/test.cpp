// sample.draw: the recorded cases, and what holds for every row of candidates.

#include "sampling/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "candidates_of_case.h"
#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  Candidates candidates = candidates_of(given);
  const auto random = static_cast<std::uint64_t>(given.integer("random_high")) << 32;
  answers.put("token_id",
              static_cast<std::int64_t>(draw({candidates.data(), candidates.size()}, random)));
  answers.expect_inside("candidates", candidates);
}

// Points that are spread evenly over the line fall on each token as often as its mass says.
std::string counts_follow_the_masses() {
  constexpr std::uint64_t kDraws = 4096;
  const Candidates row = random_candidates(12, 3);
  std::vector<double> count(row.size());
  double total = 0;
  for (const Candidate& one : row) total += static_cast<double>(one.mass);
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Candidates given = row;
    const TokenId id = draw({given.data(), given.size()}, i << 52);
    if (id < 0 || id >= 12) return fmt::format("{} was drawn: there is no such token", id);
    count[static_cast<std::size_t>(id)] += 1;
  }
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double wanted = static_cast<double>(row[i].mass) / total * double{kDraws};
    if (std::abs(count[i] - wanted) <= 1) continue;
    return fmt::format("{} points spread evenly: token {} was drawn {} times, its mass says {:.1f}",
                       kDraws, i, count[i], wanted);
  }
  return "";
}

std::string input_order_does_not_matter() {
  for (std::uint64_t i = 0; i < 64; ++i) {
    Candidates one = random_candidates(30, 4), two = one;
    std::reverse(two.data(), two.data() + two.size());
    const TokenId a = draw({one.data(), one.size()}, i << 58);
    const TokenId b = draw({two.data(), two.size()}, i << 58);
    if (a != b) return fmt::format("the same tokens backwards: {} is drawn instead of {}", b, a);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"counts follow the masses", counts_follow_the_masses},
           {"the order of the input does not matter", input_order_does_not_matter}}};
}

}  // namespace tinyllm::learn
