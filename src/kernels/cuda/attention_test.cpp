// All attention kernels against float64, and against each other's promises.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/cuda/attention_case_test.h"
#include "kernels/cuda/prefill_attention.h"

namespace tinyllm::cuda {
namespace {

// Probabilities and results are rounded to bf16 (2^-9 each), whatever the number of positions.
constexpr double kTolerance = 6e-3;

AttentionShape shape_of(int n_kv_heads, int group_size, int head_dim, int window = 0) {
  return {n_kv_heads * group_size, n_kv_heads, head_dim,
          1.0f / std::sqrt(static_cast<float>(head_dim)), window};
}

std::vector<__nv_bfloat16> run_decode(const DeviceContext& context, const AttentionCase& a,
                                      std::int32_t max_rows, std::int32_t split_groups,
                                      DeviceArray<__nv_bfloat16>& out) {
  AttentionPlanSizes sizes = decode_plan_sizes(context, a.shape, max_rows);
  sizes.split_groups = split_groups;
  AttentionPlan plan;
  plan_attention(a.ranges, sizes, plan);
  const DevicePlan device_plan(plan, sizes, a.shape);
  for (int launch = 0; launch < 3; ++launch) {  // each leaves the counters as it found them
    out.poison();
    launch_decode_attention(context, a.shape, a.kv(), device_plan.view(), a.device_q.data(),
                            out.data());
  }
  std::vector<__nv_bfloat16> result = out.download();
  EXPECT_TRUE(device_plan.counters_are_zero());
  return result;
}

bool same_bits(const std::vector<__nv_bfloat16>& a, const std::vector<__nv_bfloat16>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * 2) == 0;
}

void expect_decode(const AttentionShape& shape, int block_size,
                   const std::vector<SequenceSizes>& sequences, int max_rows, unsigned seed) {
  const DeviceContext context;
  const AttentionCase a(shape, block_size, sequences, seed);
  DeviceArray<__nv_bfloat16> out(a.q.size());
  for (const int split_groups : {0, 8}) {
    const std::vector<__nv_bfloat16> first = run_decode(context, a, max_rows, split_groups, out);
    EXPECT_LT(a.error_of(out), kTolerance)
        << "head_dim " << shape.head_dim << ", group " << shape.group_size() << ", blocks of "
        << block_size << ", window " << shape.window << ", split " << split_groups;
    for (int again = 0; again < 2; ++again)  // the same bits, run after run
      EXPECT_TRUE(same_bits(run_decode(context, a, max_rows, split_groups, out), first));
  }
}

const std::vector<SequenceSizes> kRagged = {{1, 1},   {15, 1},  {16, 1},  {17, 1},   {63, 1},
                                            {64, 1},  {65, 1},  {128, 1}, {129, 1},  {4097, 1},
                                            {300, 1}, {777, 1}, {31, 1},  {1000, 1}, {5, 1}};

TEST(DecodeAttention, EveryGroupSizeAndHeadDim) {
  REQUIRE_GPU();
  unsigned seed = 1;
  for (const int head_dim : {32, 64, 128}) {
    for (const int group_size : {1, 2, 3, 6, 7, 16}) {
      const auto shape = shape_of(2, group_size, head_dim);
      expect_decode(shape, std::array{16, 32, 64}[seed % 3], kRagged, 16, seed);
      ++seed;
    }
  }
}

TEST(DecodeAttention, OneLongSequence) {
  REQUIRE_GPU();
  for (const int n_kv_heads : {1, 4, 8})
    expect_decode(shape_of(n_kv_heads, 7, 128), 64, {{9001, 1}}, 16, 5);
}

TEST(DecodeAttention, DraftsAndWideGroups) {
  REQUIRE_GPU();
  const std::vector<SequenceSizes> sequences = {{8, 8},   {70, 5}, {4097, 2}, {64, 3},
                                                {129, 8}, {1, 1},  {2000, 4}};
  for (const int max_rows : {16, 32}) {
    expect_decode(shape_of(2, 7, 128), 64, sequences, max_rows, 7);
    expect_decode(shape_of(3, 3, 64), 32, sequences, max_rows, 8);
    expect_decode(shape_of(1, 40, 64), 16, sequences, max_rows, 9);
  }
}

TEST(DecodeAttention, Windows) {
  REQUIRE_GPU();
  for (const int window : {1, 16, 100, 1000})
    expect_decode(shape_of(2, 2, 128, window), 64, kRagged, 16, 11);
}

TEST(DecodeAttention, FixedSplitsDoNotDependOnTheBatch) {
  REQUIRE_GPU();
  const DeviceContext context;
  const AttentionShape shape = shape_of(2, 7, 128);
  const AttentionCase all(shape, 64, kRagged, 13);
  DeviceArray<__nv_bfloat16> out(all.q.size());
  const std::vector<__nv_bfloat16> together = run_decode(context, all, 16, 32, out);
  for (std::size_t s = 0; s < all.ranges.size(); ++s) {
    AttentionPlanSizes sizes = decode_plan_sizes(context, shape, 32);
    sizes.split_groups = 32;
    AttentionPlan plan;
    plan_attention(std::span(all.ranges).subspan(s, 1), sizes, plan);
    const DevicePlan device_plan(plan, sizes, shape);
    out.poison();
    launch_decode_attention(context, shape, all.kv(), device_plan.view(), all.device_q.data(),
                            out.data());
    const std::vector<__nv_bfloat16> alone = out.download();
    const std::size_t n = static_cast<std::size_t>(shape.n_heads) * shape.head_dim, at = s * n;
    EXPECT_EQ(std::memcmp(alone.data() + at, together.data() + at, n * 2), 0) << "sequence " << s;
  }
}

// Nor on the tokens that are computed with a token: a text is computed at once, in chunks, or token
// by token, in tiles of 16 or of 32 rows.
TEST(DecodeAttention, FixedSplitsDoNotDependOnTheChunk) {
  REQUIRE_GPU();
  const DeviceContext context;
  for (const int window : {0, 700}) {
    const AttentionShape shape = shape_of(2, 3, 64, window);
    AttentionCase whole(shape, 32, {{1600, 700}}, 19);
    DeviceArray<__nv_bfloat16> out(whole.q.size());
    const std::vector<__nv_bfloat16> at_once = run_decode(context, whole, 32, 32, out);
    const AttentionRange range = whole.ranges[0];
    for (const int chunk : {1, 5, 64, 257}) {
      whole.ranges.clear();
      for (std::int32_t first = 0; first < range.n_tokens; first += chunk) {
        whole.ranges.push_back({range.first_token + first, std::min(chunk, range.n_tokens - first),
                                range.first_position + first, range.block_begin});
      }
      EXPECT_TRUE(same_bits(run_decode(context, whole, 16, 32, out), at_once))
          << "chunks of " << chunk << ", window " << window;
    }
  }
}

TEST(NaiveAttention, AnyHeadDim) {
  REQUIRE_GPU();
  const DeviceContext context;
  for (const int head_dim : {8, 16, 80, 96, 128, 256}) {
    const AttentionCase a(shape_of(2, 3, head_dim, head_dim == 80 ? 50 : 0), 32,
                          {{1, 1}, {65, 4}, {300, 20}}, 17);
    DeviceArray<__nv_bfloat16> out(a.q.size());
    launch_naive_attention(context, a.shape, a.kv(), a.device_positions.data(),
                           a.device_block_begins.data(), a.n_tokens, a.device_q.data(), out.data());
    EXPECT_LT(a.error_of(out), kTolerance) << head_dim;
  }
}

void expect_prefill(const AttentionShape& shape, int block_size,
                    const std::vector<SequenceSizes>& sequences, unsigned seed) {
  const DeviceContext context;
  if (!has_prefill_attention(context, shape.head_dim)) return;
  const AttentionCase a(shape, block_size, sequences, seed);
  std::vector<PrefillTile> tiles;
  plan_prefill(a.ranges, shape.group_size(), tiles);
  const DeviceArray<PrefillTile> device_tiles(tiles);
  DeviceArray<__nv_bfloat16> out(a.q.size());
  std::vector<__nv_bfloat16> first;
  for (int round = 0; round < 3; ++round) {
    out.poison();
    launch_prefill_attention(context, shape, a.kv(), device_tiles.data(),
                             static_cast<std::int32_t>(tiles.size()), a.device_q.data(),
                             out.data());
    const std::vector<__nv_bfloat16> result = out.download();
    if (round == 0) {
      first = result;
      EXPECT_LT(a.error_of(out), kTolerance)
          << "head_dim " << shape.head_dim << ", group " << shape.group_size() << ", blocks of "
          << block_size << ", window " << shape.window;
    } else {
      EXPECT_TRUE(same_bits(result, first));
    }
  }
}

TEST(PrefillAttention, WholePromptsAndChunks) {
  REQUIRE_GPU();
  const std::vector<SequenceSizes> sequences = {{1, 1},    {17, 17},   {64, 64}, {65, 65},
                                                {200, 30}, {513, 100}, {129, 2}, {1025, 40}};
  unsigned seed = 1;
  for (const int head_dim : {64, 128}) {
    for (const int group_size : {1, 2, 7}) {
      expect_prefill(shape_of(2, group_size, head_dim), std::array{16, 32, 64}[seed % 3], sequences,
                     seed);
      ++seed;
    }
  }
}

TEST(PrefillAttention, Windows) {
  REQUIRE_GPU();
  for (const int window : {1, 100, 300})
    expect_prefill(shape_of(1, 3, 128, window), 64, {{700, 300}, {150, 150}}, 23);
}

}  // namespace
}  // namespace tinyllm::cuda
