#include "kernels/cpu/kv_cache.h"

#include <algorithm>

#include "base/check.h"

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
    layers_.push_back({begin, page_bytes, layer.head_dim, layer.n_kv_heads});
    begin += page_bytes * kv.n_blocks * layer.n_kv_heads;
  }
}

KvPages KvCache::pages(std::int32_t layer_idx, std::int32_t kv_head) {
  const Layer& layer = layers_[layer_idx];
  std::byte* pages = bytes_.data() + layer.begin + layer.page_bytes * kv_.n_blocks * kv_head;
  return {pages, layer.page_bytes, kv_.block_size, layer.head_dim, kv_.type};
}

void KvCache::each_page(std::int32_t block,
                        function_ref<void(std::int64_t begin, std::int64_t n_bytes)> each) const {
  for (const Layer& layer : layers_) {
    for (std::int64_t kv_head = 0; kv_head < layer.n_kv_heads; ++kv_head)
      each(layer.begin + layer.page_bytes * (kv_head * kv_.n_blocks + block), layer.page_bytes);
  }
}

void KvCache::read_block(std::int32_t block, std::span<std::byte> out) const {
  std::byte* to = out.data();
  each_page(block, [&](std::int64_t begin, std::int64_t n_bytes) {
    to = std::copy_n(bytes_.data() + begin, n_bytes, to);
  });
  CHECK(to == out.data() + out.size(), "a block of {} bytes", out.size());
}

void KvCache::write_block(std::int32_t block, std::span<const std::byte> in) {
  const std::byte* from = in.data();
  each_page(block, [&](std::int64_t begin, std::int64_t n_bytes) {
    std::copy_n(from, n_bytes, bytes_.data() + begin);
    from += n_bytes;
  });
  CHECK(from == in.data() + in.size(), "a block of {} bytes", in.size());
}

std::int64_t KvCache::block_bytes(std::span<const AttentionSpec> layers, const KvSpec& kv) {
  std::int64_t n_bytes = 0;
  for (const AttentionSpec& layer : layers) n_bytes += page_bytes_of(layer, kv) * layer.n_kv_heads;
  return n_bytes;
}

}  // namespace tinyllm
