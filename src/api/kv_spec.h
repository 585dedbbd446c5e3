#pragma once
// The K/V memory of all sequences: its blocks and their number format. A plain struct.

#include <cstdint>

#include "api/kv_type.h"

namespace tinyllm {

// n_blocks blocks of block_size positions, each for all layers and K/V heads.
struct KvSpec {
  KvType type = KvType::bf16;
  std::int32_t block_size = 32;
  std::int32_t n_blocks = 0;

  std::int64_t n_tokens() const { return std::int64_t{n_blocks} * block_size; }
  // Blocks that hold n_tokens positions.
  std::int32_t blocks_for(std::int64_t n_tokens) const {
    return static_cast<std::int32_t>((n_tokens + block_size - 1) / block_size);
  }
};

}  // namespace tinyllm
