#include "apps/bench_serve_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(BenchServeReport, PercentilesInterpolate) {
  EXPECT_EQ(percentiles({}).p99, 0);
  EXPECT_EQ(percentiles({7}).p50, 7);
  std::vector<double> hundred;
  for (int i = 100; i >= 0; --i) hundred.push_back(i);
  const Percentiles found = percentiles(hundred);
  EXPECT_DOUBLE_EQ(found.p50, 50);
  EXPECT_DOUBLE_EQ(found.p90, 90);
  EXPECT_DOUBLE_EQ(found.p99, 99);
  EXPECT_DOUBLE_EQ(percentiles({1, 2}).p50, 1.5);
}

TEST(BenchServeReport, CountsTimesAndGoodput) {
  const std::vector<LoadResult> results = {
      {.start_s = 0, .end_s = 1, .token_times = {0.1, 0.2, 0.4}, .n_prompt = 5, .n_generated = 3},
      {.start_s = 1, .end_s = 2, .token_times = {1.9, 2.0}, .n_prompt = 5, .n_generated = 2},
      {.start_s = 1, .end_s = 1.5, .error = "status 429"}};
  const LoadReport report = make_report(results, 500, 160);
  EXPECT_EQ(report.n_done, 2);
  EXPECT_EQ(report.n_failed, 1);
  EXPECT_EQ(report.first_error, "status 429");
  EXPECT_DOUBLE_EQ(report.ttft_ms.p50, 500);  // of 100 and 900
  EXPECT_THAT(report.itl_all_ms,
              testing::ElementsAre(testing::DoubleNear(100, 1e-9), testing::DoubleNear(200, 1e-9),
                                   testing::DoubleNear(100, 1e-9)));
  EXPECT_DOUBLE_EQ(report.output_tok_s, 2.5);
  EXPECT_DOUBLE_EQ(report.goodput_s, 0.5);  // the first alone: 100 ms, then 150 a token
}

TEST(BenchServeReport, RequestsAreTheSameForASeed) {
  const LoadOptions options = {.n_requests = 400, .rate_per_s = 10, .shared_words = 3};
  const std::vector<LoadRequest> one = make_requests(options), two = make_requests(options);
  double sum = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].prompt, two[i].prompt);
    EXPECT_EQ(one[i].prompt.substr(0, 12), one[0].prompt.substr(0, 12));
    sum += one[i].max_tokens;
  }
  EXPECT_NEAR(sum / 400, options.mean_answer_tokens, 20);
  EXPECT_NEAR(one.back().arrival_s, 40, 10);
}

}  // namespace
}  // namespace tinyllm
