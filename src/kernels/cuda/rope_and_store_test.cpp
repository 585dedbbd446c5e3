#include "kernels/cuda/rope_and_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "kernels/cuda/device_array_test.h"
#include "kernels/cuda/kv_layout.h"

namespace tinyllm::cuda {
namespace {

constexpr double kTolerance = 4e-3;  // one rounding to bf16 an element
constexpr std::int32_t kMaxSeqLen = 50, kBlocks = 3;

std::vector<float> random_floats(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

// Random inputs, and what comes of them in float64.
struct RopeCase {
  RopeCase(RopeAndStoreShape shape, std::int32_t n_tokens, bool has_bias, bool has_norms,
           unsigned seed)
      : shape(shape), n_tokens(n_tokens), has_bias(has_bias), has_norms(has_norms) {
    const auto dim = static_cast<std::size_t>(shape.head_dim);
    const auto n_all = static_cast<std::size_t>(shape.n_heads + 2 * shape.n_kv_heads);
    qkv = random_floats(static_cast<std::size_t>(n_tokens) * n_all * dim, seed);
    // Exact in bf16, so that both input types mean the same.
    for (float& x : qkv) x = __bfloat162float(__float2bfloat16(x));
    bias = random_floats(n_all * dim, seed + 1);
    q_norm = random_floats(dim, seed + 2);
    k_norm = random_floats(dim, seed + 3);
    cos = random_floats(kMaxSeqLen * dim / 2, seed + 4);
    sin = random_floats(kMaxSeqLen * dim / 2, seed + 5);
    std::mt19937 random(seed);
    std::vector<std::int32_t> slots(static_cast<std::size_t>(kBlocks * shape.block_size));
    std::iota(slots.begin(), slots.end(), 0);
    std::shuffle(slots.begin(), slots.end(), random);
    for (std::int32_t t = 0; t < n_tokens; ++t) {
      positions.push_back(static_cast<std::int32_t>(random() % kMaxSeqLen));
      slot_mapping.push_back(t == 2 ? -1 : slots[static_cast<std::size_t>(t)]);
    }
  }

  std::vector<double> head(std::int32_t token, int h) const {
    const int n_all = shape.n_heads + 2 * shape.n_kv_heads, dim = shape.head_dim;
    std::vector<double> x;
    double sum = 0;
    for (int d = 0; d < dim; ++d) {
      x.push_back(qkv[(static_cast<std::size_t>(token) * n_all + h) * dim + d] +
                  (has_bias ? bias[static_cast<std::size_t>(h * dim + d)] : 0.0f));
      sum += x.back() * x.back();
    }
    if (h >= shape.n_heads + shape.n_kv_heads) return x;
    const std::vector<float>& norm = h < shape.n_heads ? q_norm : k_norm;
    for (int d = 0; d < dim && has_norms; ++d)
      x[d] *= norm[d] / std::sqrt(sum / dim + shape.norm_eps);
    for (int i = 0; i < dim / 2; ++i) {
      const bool halves = shape.pairing == RopePairing::split_halves;
      double& a = x[halves ? i : 2 * i];
      double& b = x[halves ? i + dim / 2 : 2 * i + 1];
      const double c = cos[static_cast<std::size_t>(positions[token] * dim / 2 + i)];
      const double s = sin[static_cast<std::size_t>(positions[token] * dim / 2 + i)];
      const double turned = a * c - b * s;
      b = a * s + b * c;
      a = turned;
    }
    return x;
  }

  RopeAndStoreShape shape;
  std::int32_t n_tokens;
  bool has_bias, has_norms;
  std::vector<float> qkv, bias, q_norm, k_norm, cos, sin;
  std::vector<std::int32_t> positions, slot_mapping;
};

// Every head of q and of the written places; nothing else is written.
void expect_results(const RopeCase& c, const std::vector<__nv_bfloat16>& got_q,
                    const std::vector<__nv_bfloat16>& got_pages) {
  const int dim = c.shape.head_dim;
  std::size_t n_written = 0;
  for (std::int32_t t = 0; t < c.n_tokens; ++t) {
    for (int h = 0; h < c.shape.n_heads + 2 * c.shape.n_kv_heads; ++h) {
      std::vector<float> got;
      const std::int64_t slot = c.slot_mapping[static_cast<std::size_t>(t)];
      if (h >= c.shape.n_heads && slot < 0) continue;
      for (int d = 0; d < dim; ++d) {
        if (h < c.shape.n_heads) {
          got.push_back(__bfloat162float(
              got_q[(static_cast<std::size_t>(t) * c.shape.n_heads + h) * dim + d]));
          continue;
        }
        const bool is_v = h >= c.shape.n_heads + c.shape.n_kv_heads;
        const std::int64_t group = kv_group_start(slot, (h - c.shape.n_heads) % c.shape.n_kv_heads,
                                                  c.shape.n_kv_heads, c.shape.block_size, dim);
        got.push_back(__bfloat162float(got_pages[static_cast<std::size_t>(
            group + (is_v ? kKvGroup * dim : 0) +
            kv_elem_in_group(static_cast<int>(slot % kKvGroup), d, dim))]));
        ++n_written;
      }
      ASSERT_LT(relative_error(got, c.head(t, h)), kTolerance) << "token " << t << ", head " << h;
    }
  }
  std::size_t n_finite = 0;
  for (const __nv_bfloat16 x : got_pages) n_finite += std::isfinite(__bfloat162float(x)) ? 1 : 0;
  EXPECT_EQ(n_finite, n_written) << "other places were written";
}

enum class Version { naive, f32, bf16 };

void expect_right(const RopeCase& c, Version version) {
  const DeviceContext context;
  const DeviceArray<float> qkv(c.qkv), bias(c.bias), q_norm(c.q_norm), k_norm(c.k_norm), cos(c.cos),
      sin(c.sin);
  std::vector<__nv_bfloat16> rounded;
  for (const float x : c.qkv) rounded.push_back(__float2bfloat16(x));
  const DeviceArray<__nv_bfloat16> qkv_bf16(rounded);
  const DeviceArray<std::int32_t> positions(c.positions), slots(c.slot_mapping);
  const int dim = c.shape.head_dim;
  DeviceArray<__nv_bfloat16> q(static_cast<std::size_t>(c.n_tokens * c.shape.n_heads * dim));
  DeviceArray<__nv_bfloat16> pages(static_cast<std::size_t>(kBlocks * c.shape.block_size) * 2 *
                                   c.shape.n_kv_heads * dim);
  const RopeAndStoreInput input = {.positions = positions.data(),
                                   .slot_mapping = slots.data(),
                                   .bias = c.has_bias ? bias.data() : nullptr,
                                   .q_norm = c.has_norms ? q_norm.data() : nullptr,
                                   .k_norm = c.has_norms ? k_norm.data() : nullptr,
                                   .cos = cos.data(),
                                   .sin = sin.data()};
  switch (version) {
    case Version::naive:
      launch_naive_rope_and_store(context, c.shape, input, c.n_tokens, qkv.data(), q.data(),
                                  pages.data());
      break;
    case Version::f32:
      launch_rope_and_store(context, c.shape, input, c.n_tokens, qkv.data(), q.data(),
                            pages.data());
      break;
    case Version::bf16:
      launch_rope_and_store(context, c.shape, input, c.n_tokens, qkv_bf16.data(), q.data(),
                            pages.data());
      break;
  }
  expect_results(c, q.download(), pages.download());
}

TEST(RopeAndStore, AllShapesAndInputs) {
  REQUIRE_GPU();
  unsigned seed = 1;
  for (const int head_dim : {8, 32, 64, 80, 128, 256}) {
    for (const RopePairing pairing : {RopePairing::split_halves, RopePairing::interleaved}) {
      for (const int n_tokens : {1, 3, 37}) {
        const RopeCase c({.n_heads = 6,
                          .n_kv_heads = 2,
                          .head_dim = head_dim,
                          .block_size = std::array{16, 32, 64}[seed % 3],
                          .pairing = pairing},
                         n_tokens, seed % 2 == 0, seed / 2 % 2 == 0, seed);
        for (const Version version : {Version::naive, Version::f32, Version::bf16})
          expect_right(c, version);
        ++seed;
      }
    }
  }
}

}  // namespace
}  // namespace tinyllm::cuda
