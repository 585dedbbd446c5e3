#include "kernels/cpu/scalar/embedding.h"

#include "base/check.h"
#include "quant/decode.h"

namespace tinyllm::scalar {

void embedding(const Tensor& table, const std::int32_t* token_ids, std::int64_t n_tokens,
               float* out) {
  // >>> model.embedding
  const std::int64_t hidden_size = table.n_cols();
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    CHECK(token_ids[t] >= 0 && token_ids[t] < table.n_rows(), "token id {} of a vocabulary of {}",
          token_ids[t], table.n_rows());
    decode_row(table.dtype, table.row(token_ids[t]), out + t * hidden_size, hidden_size);
  }
  // <<< model.embedding
}

}  // namespace tinyllm::scalar
