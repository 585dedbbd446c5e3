#include "retrieval/vector_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/cpu/pick_isa.h"

namespace tinyllm {
namespace {

std::vector<float> random_unit(std::int64_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(static_cast<std::size_t>(n));
  float sum = 0;
  for (float& value : vector) {
    value = normal(random);
    sum += value * value;
  }
  for (float& value : vector) value /= std::sqrt(sum);
  return vector;
}

TEST(VectorTable, BytesAreWithinHalfAStep) {
  const ByteVector bytes = to_bytes(std::vector<float>{1.0f, -0.5f, 0.003f, 0.0f});
  EXPECT_EQ(bytes.bytes, (std::vector<std::int8_t>{127, -64, 0, 0}));
  EXPECT_FLOAT_EQ(bytes.scale, 1.0f / 127);
  EXPECT_EQ(to_bytes(std::vector<float>{0, 0}).scale, 0.0f);
}

// Exact: the same rows in the same order as all products in doubles of the rounded vectors say,
// with any instruction set and any number of threads.
TEST(VectorTable, FindsTheNearestAndNoOther) {
  for (const std::int64_t n_dims : {32, 64, 100, 384}) {
    std::mt19937 random(static_cast<unsigned>(n_dims));
    VectorTable table(n_dims);
    std::vector<ByteVector> rows;
    for (int i = 0; i < 1000; ++i) {
      rows.push_back(to_bytes(random_unit(n_dims, random)));
      if (i % 100 == 99) rows.back() = rows.front();  // equal ones
      table.add(rows.back().scale, rows.back().bytes);
    }
    const std::vector<float> query = random_unit(n_dims, random);
    const ByteVector x = to_bytes(query);
    std::vector<bool> allowed(1000);
    for (int i = 0; i < 1000; ++i) allowed[i] = i % 3 != 1;
    std::vector<std::pair<double, std::size_t>> want;
    for (std::size_t r = 0; r < 1000; ++r) {
      double dot = 0;
      for (std::size_t i = 0; i < x.bytes.size(); ++i)
        dot += double{1.0} * rows[r].bytes[i] * x.bytes[i];
      // The float product in the order that the table takes it.
      if (allowed[r])
        want.emplace_back(-double{static_cast<float>(dot) * rows[r].scale * x.scale}, r);
    }
    std::ranges::sort(want);
    for (const std::string_view isa : available_isas()) {
      for (const int n_threads : {1, 3}) {
        ThreadPool pool(n_threads);
        const std::vector<NearRow> got = table.nearest(query, 20, allowed, pool, row_kernels(isa));
        ASSERT_EQ(got.size(), 20u);
        for (std::size_t i = 0; i < got.size(); ++i) {
          EXPECT_EQ(got[i].row, want[i].second) << isa << " " << i;
          EXPECT_EQ(double{got[i].score}, -want[i].first);
        }
      }
    }
  }
}

TEST(VectorTable, FewerRowsThanAskedFor) {
  ThreadPool pool(2);
  VectorTable table(3);
  const std::vector<float> query = {1, 0, 0};
  EXPECT_TRUE(table.nearest(query, 5, {}, pool, row_kernels("scalar")).empty());
  table.add(1.0f, std::vector<std::int8_t>{1, 0, 0});
  table.add(1.0f, std::vector<std::int8_t>{2, 0, 0});
  const std::vector<NearRow> found = table.nearest(query, 5, {}, pool, row_kernels("scalar"));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].row, 1u);
  EXPECT_NEAR(found[0].score, 2.0f, 1e-6f);
  EXPECT_TRUE(table.nearest(query, 0, {}, pool, row_kernels("scalar")).empty());
  EXPECT_EQ(table.nearest(query, 5, {true, false}, pool, row_kernels("scalar")).size(), 1u);
}

}  // namespace
}  // namespace tinyllm
