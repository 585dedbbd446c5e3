#include "kernels/cpu/scalar/embedding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"
#include "quant/decode.h"

namespace tinyllm::scalar {
namespace {

TEST(Embedding, PicksAndDecodesRows) {
  const std::vector<float> values = random_values(5 * 32, 1);
  std::vector<std::byte> bytes(5 * row_bytes(DType::q8_0, 32));
  encode_row(DType::q8_0, values.data(), bytes.data(), 5 * 32);
  const Tensor table{bytes.data(), DType::q8_0, {5, 32}};
  const std::int32_t token_ids[3] = {4, 0, 4};
  std::vector<float> out(3 * 32), row(32);
  embedding(table, token_ids, 3, out.data());
  for (std::size_t t = 0; t < 3; ++t) {
    decode_row(DType::q8_0, table.row(token_ids[t]), row.data(), 32);
    EXPECT_TRUE(std::equal(row.begin(), row.end(), out.begin() + t * 32));
  }
}

TEST(EmbeddingDeathTest, AnIdOutsideTheVocabularyIsAFault) {
  const std::vector<float> values(10);
  const Tensor table{reinterpret_cast<const std::byte*>(values.data()), DType::f32, {5, 2}};
  float out[2];
  for (const std::int32_t id : {-1, 5}) {
    EXPECT_DEATH(embedding(table, &id, 1, out), "vocabulary of 5");
  }
}

}  // namespace
}  // namespace tinyllm::scalar
