// attention.grouped: the recorded cases, and what holds for every number of heads.

#include "kernels/cpu/scalar/grouped_attention.h"

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
  scalar::grouped_attention(q.data(), k.data(), v.data(), given.has("mask") ? mask.data() : nullptr,
                            out.data(), scores.data(), given.integer("n_queries"), n_keys,
                            given.integer("n_heads"), given.integer("n_kv_heads"),
                            given.integer("head_dim"), given.integer("head_begin"),
                            given.integer("head_end"));
  answers.put("out", out);
  answers.expect_inside("scores", scores);
  answers.expect_unchanged("q", q, given);
  answers.expect_unchanged("k", k, given);
  answers.expect_unchanged("v", v, given);
}

constexpr std::int64_t kQueries = 3, kKeys = 5, kHeads = 6, kKvHeads = 2, kDim = 4;

struct World {
  Floats q = random_floats(kQueries * kHeads * kDim, 1);
  Floats k = random_floats(kKeys * kKvHeads * kDim, 2);
  Floats v = random_floats(kKeys * kKvHeads * kDim, 3);
  Floats out = Floats(kQueries * kHeads * kDim, kNotWritten);

  void attend(std::int64_t begin, std::int64_t end) {
    Floats scores(kKeys);
    scalar::grouped_attention(q.data(), k.data(), v.data(), nullptr, out.data(), scores.data(),
                              kQueries, kKeys, kHeads, kKvHeads, kDim, begin, end);
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

// Heads of one group with the same query see the same keys.
std::string a_group_agrees() {
  World world;
  for (std::int64_t i = 0; i < kQueries; ++i) {
    for (std::int64_t h = 1; h < kHeads; ++h) {
      std::copy_n(world.q.data() + i * kHeads * kDim, kDim,
                  world.q.data() + (i * kHeads + h) * kDim);
    }
  }
  world.attend(0, kHeads);
  const auto at = [&](std::int64_t h) { return world.out[h * kDim]; };
  for (std::int64_t h = 1; h < kHeads; ++h) {
    const bool same_group = h / 3 == (h - 1) / 3;
    if ((at(h) == at(h - 1)) == same_group) continue;
    return fmt::format(
        "all heads ask the same; heads {} and {} {} keys, but their outputs are {:g} and "
        "{:g}",
        h - 1, h, same_group ? "share their" : "have different", at(h - 1), at(h));
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"ranges of heads give the whole", ranges_of_heads_give_the_whole},
           {"a group of heads agrees on its keys", a_group_agrees}}};
}

}  // namespace tinyllm::learn
