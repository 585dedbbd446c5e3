#pragma once
// Token ids to vectors: row id of the embedding table.

#include <cstdint>

#include "tensor/tensor.h"

namespace tinyllm::scalar {

// out[t] = table[token_ids[t]]. table: [vocab_size, hidden_size], any dtype. token_ids: [n_tokens],
// each in [0, vocab_size). out: [n_tokens, hidden_size] f32.
void embedding(const Tensor& table, const std::int32_t* token_ids, std::int64_t n_tokens,
               float* out);

}  // namespace tinyllm::scalar
