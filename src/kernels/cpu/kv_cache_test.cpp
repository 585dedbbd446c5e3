#include "kernels/cpu/kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace tinyllm {
namespace {

// Layers of different shapes: the pages of all blocks, heads and layers lie side by side.
TEST(KvCache, PagesCoverTheMemoryOnce) {
  for (const KvType type : {KvType::f32, KvType::bf16, KvType::int8, KvType::fp8, KvType::q4}) {
    const std::vector<AttentionSpec> layers = {
        {.n_heads = 4, .n_kv_heads = 2, .head_dim = 64},
        {.n_heads = 4, .n_kv_heads = 1, .head_dim = 128, .window = 100},
        {.n_heads = 4, .n_kv_heads = 4, .head_dim = 64}};
    const KvSpec kv = {.type = type, .block_size = 16, .n_blocks = 3};
    KvCache cache(layers, kv);
    std::vector<std::pair<std::byte*, std::byte*>> ranges;
    for (std::int32_t layer = 0; layer < 3; ++layer) {
      for (std::int32_t head = 0; head < layers[layer].n_kv_heads; ++head) {
        const KvPages pages = cache.pages(layer, head);
        EXPECT_EQ(pages.head_dim, layers[layer].head_dim);
        EXPECT_EQ(pages.block_stride, kv_page_bytes(type, 16, pages.head_dim));
        for (int block = 0; block < 3; ++block) {
          std::byte* begin = pages.pages + block * pages.block_stride;
          ranges.emplace_back(begin, begin + pages.block_stride);
        }
      }
    }
    std::ranges::sort(ranges);
    for (std::size_t i = 1; i < ranges.size(); ++i)
      ASSERT_EQ(ranges[i].first, ranges[i - 1].second) << i;
    EXPECT_EQ(ranges.back().second - ranges.front().first, 3 * KvCache::block_bytes(layers, kv));
  }
}

}  // namespace
}  // namespace tinyllm
