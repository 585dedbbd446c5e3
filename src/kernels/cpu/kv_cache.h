#pragma once
// The K/V pages of all layers of a model, in one piece of memory. A block of positions has a page
// for each layer and K/V head; layers may differ in their heads. Pages lie by layer, K/V head and
// block, so that a head's pages of neighbouring blocks are neighbours.

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/layout/kv_pages.h"
#include "tensor/buffer.h"

namespace tinyllm {

class KvCache {
 public:
  KvCache() = default;
  // Throws Error{out_of_memory}. layers: the attention of each layer.
  KvCache(std::span<const AttentionSpec> layers, const KvSpec& kv);

  KvPages pages(std::int32_t layer_idx, std::int32_t kv_head);

  // The pages of a block, by layer and K/V head, one behind the other: block_bytes() bytes.
  void read_block(std::int32_t block, std::span<std::byte> out) const;
  void write_block(std::int32_t block, std::span<const std::byte> in);

  // What one block takes, with its pages of all layers.
  static std::int64_t block_bytes(std::span<const AttentionSpec> layers, const KvSpec& kv);

 private:
  struct Layer {
    std::int64_t begin;       // byte of the first page
    std::int64_t page_bytes;  // from a block to the next
    std::int32_t head_dim;
    std::int32_t n_kv_heads;
  };
  // each(offset of a page in bytes_, bytes) in the order of read_block().
  void each_page(std::int32_t block,
                 function_ref<void(std::int64_t begin, std::int64_t n_bytes)> each) const;

  KvSpec kv_;
  std::vector<Layer> layers_;
  Buffer bytes_;
};

}  // namespace tinyllm
