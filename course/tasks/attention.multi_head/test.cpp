// attention.multi_head: the recorded cases, and what holds for any heads.

#include "kernels/cpu/scalar/multi_head_attention.h"

#include <fmt/format.h>

#include <algorithm>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  const Floats q = given.floats("q"), k = given.floats("k"), v = given.floats("v");
  const std::int64_t n_keys = given.integer("n_keys");
  Floats out(q.size(), kNotWritten), scores(static_cast<std::size_t>(n_keys), kNotWritten);
  const Floats mask = given.has("mask") ? given.floats("mask") : Floats(0);
  scalar::multi_head_attention(
      q.data(), k.data(), v.data(), given.has("mask") ? mask.data() : nullptr, out.data(),
      scores.data(), given.integer("n_queries"), n_keys, given.integer("n_heads"),
      given.integer("head_dim"), given.integer("head_begin"), given.integer("head_end"));
  answers.put("out", out);
  answers.expect_inside("scores", scores);
  answers.expect_unchanged("q", q, given);
  answers.expect_unchanged("k", k, given);
  answers.expect_unchanged("v", v, given);
}

constexpr std::int64_t kQueries = 3, kKeys = 5, kHeads = 6, kDim = 4;

struct World {
  Floats q = random_floats(kQueries * kHeads * kDim, 1);
  Floats k = random_floats(kKeys * kHeads * kDim, 2);
  Floats v = random_floats(kKeys * kHeads * kDim, 3);
  Floats out = Floats(kQueries * kHeads * kDim, kNotWritten);

  void attend(std::int64_t begin, std::int64_t end) {
    Floats scores(kKeys);
    scalar::multi_head_attention(q.data(), k.data(), v.data(), nullptr, out.data(), scores.data(),
                                 kQueries, kKeys, kHeads, kDim, begin, end);
  }
};

// Threads take a range of heads each.
std::string ranges_of_heads_give_the_whole() {
  World whole, parts;
  whole.attend(0, kHeads);
  parts.attend(0, 1);
  parts.attend(1, 4);
  parts.attend(4, kHeads);
  for (std::size_t i = 0; i < whole.out.size(); ++i) {
    if (whole.out[i] == parts.out[i]) continue;
    return fmt::format(
        "heads 0, 1 to 3 and 4 to 5 in three calls: out[query={}, head={}, d={}] is {:g}, "
        "and {:g} in one call",
        i / kDim / kHeads, i / kDim % kHeads, i % kDim, parts.out[i], whole.out[i]);
  }
  return "";
}

// A head never looks at another's keys: what head 0 says stays when all other heads' keys change.
std::string heads_do_not_see_each_other() {
  World before, after;
  for (std::int64_t j = 0; j < kKeys; ++j) {
    for (std::int64_t i = kDim; i < kHeads * kDim; ++i)
      after.k[static_cast<std::size_t>(j * kHeads * kDim + i)] += 1.0f;
  }
  before.attend(0, kHeads);
  after.attend(0, kHeads);
  for (std::int64_t i = 0; i < kQueries; ++i) {
    for (std::int64_t d = 0; d < kDim; ++d) {
      const auto at = static_cast<std::size_t>(i * kHeads * kDim + d);
      if (before.out[at] == after.out[at]) continue;
      return fmt::format(
          "the keys of heads 1 to 5 changed, and with them out[query={}, head=0, d={}], from {:g} "
          "to {:g}",
          i, d, before.out[at], after.out[at]);
    }
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"ranges of heads give the whole", ranges_of_heads_give_the_whole},
           {"heads do not see each other", heads_do_not_see_each_other}}};
}

}  // namespace tinyllm::learn
