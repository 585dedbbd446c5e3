#pragma once
// The keys and values of every position computed so far, in plain arrays.
// Without them each new token would run the whole sequence again
// (--recompute shows what that costs). One owner, one thread.

#include <cstdint>

#include "tensor/buffer.h"

namespace tinyllm::reference {

struct KvRows {
  std::int64_t n_layers = 0, max_tokens = 0;
  std::int64_t kv_size = 0;  // n_kv_heads * head_dim
  Buffer keys, values;       // [n_layers, max_tokens, kv_size] f32, rows of [n_kv_heads, head_dim]
};

// Bytes that make_kv_rows allocates.
std::int64_t kv_rows_bytes(std::int64_t n_layers, std::int64_t max_tokens, std::int64_t kv_size);

// Throws Error{out_of_memory}.
KvRows make_kv_rows(std::int64_t n_layers, std::int64_t max_tokens, std::int64_t kv_size);

// Copies the rows of positions [first_position, first_position + n_tokens) into place, over
// whatever stood there. k, v: [n_tokens, kv_size] f32, k already rotated.
void append_kv_rows(KvRows& rows, std::int64_t layer_idx, std::int64_t first_position,
                    std::int64_t n_tokens, const float* k, const float* v);

// Rows of one layer from position 0: [max_tokens, kv_size] f32.
const float* layer_keys(const KvRows& rows, std::int64_t layer_idx);
const float* layer_values(const KvRows& rows, std::int64_t layer_idx);

}  // namespace tinyllm::reference
