#include "encoder/encoder_attention.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cpu/layout/attention_queries.h"
#include "kernels/cpu/layout/kv_pages.h"

namespace tinyllm {
namespace {

constexpr std::int32_t kBlockSize = 64;   // positions of a page
constexpr std::int32_t kQueryChunk = 64;  // queries that go through the pages in one call

std::int64_t whole_lines(std::int64_t n_floats) { return (n_floats + 15) / 16 * 16; }

}  // namespace

EncoderAttention::EncoderAttention(ThreadPool& pool, const RowKernels& kernels,
                                   const EncoderConfig& config, std::int64_t max_seq_len)
    : pool_(&pool),
      kernels_(&kernels),
      n_heads_(static_cast<std::int32_t>(config.n_heads)),
      head_dim_(static_cast<std::int32_t>(config.head_dim())) {
  attention_ = attention_for(kernels.attention, KvType::f32, kBlockSize, head_dim_);
  const std::int64_t n_blocks = (max_seq_len + kBlockSize - 1) / kBlockSize;
  page_floats_ = n_blocks * kv_page_bytes(KvType::f32, kBlockSize, head_dim_) / 4;
  row_floats_ = whole_lines(max_seq_len * head_dim_);
  memory_floats_ = whole_lines(page_floats_ + 2 * row_floats_ +
                               attention_scratch_floats(kQueryChunk, head_dim_));
  block_table_ = Buffer(n_blocks * 4, "activations");
  std::iota(block_table_.as<std::int32_t>().begin(), block_table_.as<std::int32_t>().end(), 0);
  memory_ = Buffer(pool.n_workers() * memory_floats_ * 4, "activations");
  std::ranges::fill(memory_.as<float>(), 0.0f);  // kernels load whole pages
}

void EncoderAttention::attend(const EncoderProjections& projections,
                              std::span<const std::int64_t> starts, float* out,
                              std::int64_t out_stride) {
  const std::int64_t n_texts = std::ssize(starts) - 1;
  pool_->parallel_for(n_texts * n_heads_, 1, [&](int worker, std::int64_t begin, std::int64_t end) {
    float* memory = memory_.as<float>().data() + worker * memory_floats_;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t text = i / n_heads_, first = starts[text];
      attend_head(projections, first, starts[text + 1] - first, i % n_heads_, out, out_stride,
                  memory);
    }
  });
}

void EncoderAttention::attend_head(const EncoderProjections& projections, std::int64_t first,
                                   std::int64_t n_tokens, std::int64_t head, float* out,
                                   std::int64_t out_stride, float* memory) const {
  float *queries = memory + page_floats_, *results = queries + row_floats_;
  const KvPages pages = {reinterpret_cast<std::byte*>(memory),
                         kv_page_bytes(KvType::f32, kBlockSize, head_dim_), kBlockSize, head_dim_,
                         KvType::f32};
  const float* rows = projections.rows + first * projections.stride + head * head_dim_;
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    const float* row = rows + t * projections.stride;
    std::copy_n(row, head_dim_, queries + t * head_dim_);
    kernels_->store_kv(pages, static_cast<std::int32_t>(t / kBlockSize),
                       static_cast<std::int32_t>(t % kBlockSize), row + projections.k_begin,
                       row + projections.v_begin);
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim_));
  const auto n = static_cast<std::int32_t>(n_tokens);
  for (std::int32_t begin = 0; begin < n; begin += kQueryChunk) {
    // They are the "heads" of one token at the last position.
    AttentionQueries chunk{};
    chunk.q = queries + std::int64_t{begin} * head_dim_;
    chunk.out = results + std::int64_t{begin} * head_dim_;
    chunk.n_tokens = 1;
    chunk.n_heads = std::min(kQueryChunk, n - begin);
    chunk.position = n - 1;
    attention_.attend(chunk, pages, block_table_.as<std::int32_t>().data(), scale,
                      results + row_floats_);
  }
  for (std::int64_t t = 0; t < n_tokens; ++t)
    std::copy_n(results + t * head_dim_, head_dim_,
                out + (first + t) * out_stride + head * head_dim_);
}

}  // namespace tinyllm
