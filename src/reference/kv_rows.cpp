#include "reference/kv_rows.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/scalar/strides.h"

namespace tinyllm::reference {
namespace {

// Elements from the start of the array to the row of (layer, position).
std::int64_t row_offset(const KvRows& rows, std::int64_t layer_idx, std::int64_t position) {
  const std::int64_t dims[3] = {rows.n_layers, rows.max_tokens, rows.kv_size};
  const std::int64_t index[3] = {layer_idx, position, 0};
  std::int64_t strides[3];
  scalar::row_major_strides(dims, 3, strides);
  return scalar::element_offset(index, strides, 3);
}

}  // namespace

std::int64_t kv_rows_bytes(std::int64_t n_layers, std::int64_t max_tokens, std::int64_t kv_size) {
  return 2 * n_layers * max_tokens * kv_size * static_cast<std::int64_t>(sizeof(float));
}

KvRows make_kv_rows(std::int64_t n_layers, std::int64_t max_tokens, std::int64_t kv_size) {
  const std::int64_t n_bytes = kv_rows_bytes(n_layers, max_tokens, kv_size) / 2;
  return {n_layers, max_tokens, kv_size, Buffer(n_bytes, "keys"), Buffer(n_bytes, "values")};
}

void append_kv_rows(KvRows& rows, std::int64_t layer_idx, std::int64_t first_position,
                    std::int64_t n_tokens, const float* k, const float* v) {
  CHECK(first_position + n_tokens <= rows.max_tokens, "positions [{}, {}) of {}", first_position,
        first_position + n_tokens, rows.max_tokens);
  const std::int64_t offset = row_offset(rows, layer_idx, first_position);
  std::copy_n(k, n_tokens * rows.kv_size, rows.keys.as<float>().data() + offset);
  std::copy_n(v, n_tokens * rows.kv_size, rows.values.as<float>().data() + offset);
}

const float* layer_keys(const KvRows& rows, std::int64_t layer_idx) {
  return rows.keys.as<float>().data() + row_offset(rows, layer_idx, 0);
}

const float* layer_values(const KvRows& rows, std::int64_t layer_idx) {
  return rows.values.as<float>().data() + row_offset(rows, layer_idx, 0);
}

}  // namespace tinyllm::reference
