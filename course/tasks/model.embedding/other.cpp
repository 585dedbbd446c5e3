// Another way to model.embedding: from the last token to the first, through a row of its own.
#include "kernels/cpu/scalar/embedding.h"

#include <algorithm>
#include <vector>

#include "quant/decode.h"

void tinyllm::scalar::embedding(const Tensor& table, const std::int32_t* token_ids,
                                std::int64_t n_tokens, float* out) {
  std::vector<float> row(static_cast<std::size_t>(table.n_cols()));
  for (std::int64_t t = n_tokens; t-- > 0;) {
    decode_row(table.dtype, table.row(token_ids[t]), row.data(), table.n_cols());
    std::copy(row.begin(), row.end(), out + t * table.n_cols());
  }
}
