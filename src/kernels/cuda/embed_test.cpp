#include "kernels/cuda/embed.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cuda/device_array_test.h"
#include "kernels/cuda/packed_weights.h"
#include "kernels/cuda/random_weights_test.h"

namespace tinyllm::cuda {
namespace {

constexpr std::int64_t kVocabSize = 45, kHiddenSize = 512;

class EmbedFormat : public testing::TestWithParam<DType> {};

// Ids that the host knows, ids that only the device knows, and ids that nobody has.
TEST_P(EmbedFormat, FindsTheRowsOfAllIds) {
  REQUIRE_GPU();
  const DeviceContext context;
  const RandomMatrix matrix(GetParam(), kVocabSize, kHiddenSize, 3);
  const Tensor tensor = matrix.tensor();
  const WeightPlan plan = plan_weights({&tensor, 1}, PartOrder::stacked);
  std::vector<std::byte> bytes(static_cast<std::size_t>(plan.n_bytes));
  ThreadPool pool(2);
  pack_weights({&tensor, 1}, plan, bytes.data(), pool);
  const DeviceArray<std::byte> weights(bytes);
  const WeightSection& section = plan.sections[0];
  const LinearWeights table = {section.format, weights.data(), kVocabSize, kHiddenSize,
                               static_cast<std::int32_t>(section.n_padded_rows)};

  const std::vector<TokenId> last_drawn = {7, 44, 0};
  const std::vector<TokenId> ids = {0, 44, drawn_by(1), 17, drawn_by(0), kVocabSize};
  const std::vector<TokenId> meant = {0, 44, 44, 17, 7, -1};
  const DeviceArray<TokenId> device_ids(ids), device_last_drawn(last_drawn);
  const DeviceArray<float> hidden(ids.size() * kHiddenSize);
  launch_embed(context, table, device_ids.data(), device_last_drawn.data(),
               static_cast<std::int32_t>(ids.size()), hidden.data());
  const std::vector<float> got = hidden.download();
  for (std::size_t t = 0; t < ids.size(); ++t) {
    for (std::int64_t col = 0; col < kHiddenSize; ++col) {
      const float value = got[t * kHiddenSize + static_cast<std::size_t>(col)];
      if (meant[t] < 0) {
        ASSERT_TRUE(std::isnan(value));
        continue;
      }
      const float want = unpack_weight(section.format, bytes.data(), meant[t], col, kHiddenSize);
      // One product and one difference, which the device may round once less.
      ASSERT_NEAR(value, want, 1e-6f * (1.0f + std::abs(want))) << "token " << t << ", " << col;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, EmbedFormat,
                         testing::Values(DType::bf16, DType::q8_0, DType::q6_k, DType::q5_k,
                                         DType::q4_0, DType::q4_k),
                         [](const auto& info) { return std::string(name(info.param)); });

}  // namespace
}  // namespace tinyllm::cuda
