// attention.sdpa: the recorded cases, and what holds for every query.

#include "kernels/cpu/scalar/scaled_dot_product_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  const Floats q = given.floats("q"), k = given.floats("k"), v = given.floats("v");
  const std::int64_t n_keys = given.integer("n_keys");
  Floats out(q.size(), kNotWritten), scores(static_cast<std::size_t>(n_keys), kNotWritten);
  const Floats mask = given.has("mask") ? given.floats("mask") : Floats(0);
  scalar::scaled_dot_product_attention(
      q.data(), k.data(), v.data(), given.has("mask") ? mask.data() : nullptr, out.data(),
      scores.data(), given.integer("n_queries"), n_keys, given.integer("head_dim"),
      given.integer("q_stride"), given.integer("kv_stride"));
  answers.put("out", out);
  answers.expect_inside("scores", scores);
  answers.expect_unchanged("q", q, given);
  answers.expect_unchanged("k", k, given);
  answers.expect_unchanged("v", v, given);
}

constexpr std::int64_t kKeys = 7, kDim = 8;

Floats attend(const Floats& q, const Floats& k, const Floats& v) {
  Floats out(kDim, kNotWritten), scores(kKeys);
  scalar::scaled_dot_product_attention(q.data(), k.data(), v.data(), nullptr, out.data(),
                                       scores.data(), 1, kKeys, kDim, kDim, kDim);
  return out;
}

// The weights are positive and sum to 1.
std::string stays_among_the_values() {
  const Floats v = random_floats(kKeys * kDim, 3);
  const Floats out = attend(random_floats(kDim, 1, 3.0f), random_floats(kKeys * kDim, 2, 3.0f), v);
  for (std::int64_t d = 0; d < kDim; ++d) {
    float smallest = v[d], largest = v[d];
    for (std::int64_t j = 1; j < kKeys; ++j) {
      smallest = std::min(smallest, v[j * kDim + d]);
      largest = std::max(largest, v[j * kDim + d]);
    }
    if (out[d] >= smallest - 1e-5f && out[d] <= largest + 1e-5f) continue;
    return fmt::format("out[{}] is {:g}, but all values there lie from {:g} to {:g}", d, out[d],
                       smallest, largest);
  }
  return "";
}

std::string equal_keys_give_the_mean() {
  Floats k(kKeys * kDim);
  const Floats key = random_floats(kDim, 4), v = random_floats(kKeys * kDim, 5);
  for (std::int64_t j = 0; j < kKeys; ++j) std::copy_n(key.data(), kDim, k.data() + j * kDim);
  const Floats out = attend(random_floats(kDim, 6), k, v);
  for (std::int64_t d = 0; d < kDim; ++d) {
    double mean = 0;
    for (std::int64_t j = 0; j < kKeys; ++j) mean += v[j * kDim + d] / double{kKeys};
    if (std::abs(out[d] - mean) <= 1e-5) continue;
    return fmt::format(
        "all keys are equal, so out[{}] must be the mean of the values, {:g}; you "
        "have {:g}",
        d, mean, out[d]);
  }
  return "";
}

// Attention knows no order: swapping two keys together with their values changes nothing.
std::string order_does_not_matter() {
  const Floats q = random_floats(kDim, 7), k = random_floats(kKeys * kDim, 8);
  const Floats v = random_floats(kKeys * kDim, 9);
  Floats k_swapped = k, v_swapped = v;
  std::swap_ranges(k_swapped.data(), k_swapped.data() + kDim, k_swapped.data() + 3 * kDim);
  std::swap_ranges(v_swapped.data(), v_swapped.data() + kDim, v_swapped.data() + 3 * kDim);
  const Floats out = attend(q, k, v), swapped = attend(q, k_swapped, v_swapped);
  for (std::int64_t d = 0; d < kDim; ++d) {
    if (std::abs(out[d] - swapped[d]) <= 1e-5f) continue;
    return fmt::format("keys 0 and 3 swapped with their values: out[{}] went from {:g} to {:g}", d,
                       out[d], swapped[d]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"stays among the values", stays_among_the_values},
           {"equal keys give the mean of the values", equal_keys_give_the_mean},
           {"the order of the keys does not matter", order_does_not_matter}}};
}

}  // namespace tinyllm::learn
