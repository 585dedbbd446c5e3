#include "kernels/cpu/kv_cache.h"

namespace tinyllm {
namespace {

std::int64_t page_bytes_of(const AttentionSpec& layer, const KvSpec& kv) {
  return kv_page_bytes(kv.type, kv.block_size, layer.head_dim);
}

}  // namespace

KvCache::KvCache(std::span<const AttentionSpec> layers, const KvSpec& kv)
    : kv_(kv), bytes_(block_bytes(layers, kv) * kv.n_blocks, "KV cache") {
  std::int64_t begin = 0;
  for (const AttentionSpec& layer : layers) {
    const std::int64_t page_bytes = page_bytes_of(layer, kv);
    layers_.push_back({begin, page_bytes, layer.head_dim});
    begin += page_bytes * kv.n_blocks * layer.n_kv_heads;
  }
}

KvPages KvCache::pages(std::int32_t layer_idx, std::int32_t kv_head) {
  const Layer& layer = layers_[layer_idx];
  std::byte* pages = bytes_.data() + layer.begin + layer.page_bytes * kv_.n_blocks * kv_head;
  return {pages, layer.page_bytes, kv_.block_size, layer.head_dim, kv_.type};
}

std::int64_t KvCache::block_bytes(std::span<const AttentionSpec> layers, const KvSpec& kv) {
  std::int64_t n_bytes = 0;
  for (const AttentionSpec& layer : layers) n_bytes += page_bytes_of(layer, kv) * layer.n_kv_heads;
  return n_bytes;
}

}  // namespace tinyllm
