#pragma once
// K/V pages of one layer and K/V head, as the store_kv kernel writes them and the attention kernel
// reads them. Block b begins at pages + b * block_stride: keys [head_dim][block_size], then values
// [block_size][head_dim]. Keys lie transposed so that one register holds a dimension of several
// positions: scores need no sum across. int8 pages end with the scales, [block_size] f32 of keys,
// then of values: element = scale of its position * code.
// Plain pointers: instruction-set folders include this file.

#include <cstddef>
#include <cstdint>

#include "api/kv_type.h"

namespace tinyllm {

static inline std::int64_t kv_page_bytes(KvType type, std::int32_t block_size,
                                         std::int32_t head_dim) {
  const std::int64_t n_elements = std::int64_t{2} * block_size * head_dim;
  if (type == KvType::int8) return n_elements + std::int64_t{8} * block_size;
  return n_elements * (type == KvType::bf16 ? 2 : 4);
}

struct KvPages {
  std::byte* pages;
  std::int64_t block_stride;  // bytes from a block to the next
  std::int32_t block_size;    // positions
  std::int32_t head_dim;
  KvType type;

  // int8 pages: the scales of a block's keys or values. [block_size] f32
  float* key_scales(std::int32_t block) const {
    return reinterpret_cast<float*>(pages + block * block_stride +
                                    std::int64_t{2} * block_size * head_dim);
  }
  float* value_scales(std::int32_t block) const { return key_scales(block) + block_size; }
};

// codes[i * stride] = round to nearest even of x[i] / scale, scale = max|x| / 127, which is
// returned. A row that holds a NaN or an infinity gets scale NaN and codes 0: what is broken stays
// seen. x: [n] f32.
float quantise_kv(const float* x, std::int32_t n, std::int8_t* codes, std::int64_t stride);

}  // namespace tinyllm
