#pragma once
// Attention in which every token of a text sees every other one. It runs on the CPU's kernels for
// causal attention over K/V pages: all queries of a head stand at the text's last position, from
// where everything is seen. One thread at a time.

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "encoder/encoder_config.h"
#include "kernels/cpu/row_kernels.h"
#include "tensor/buffer.h"

namespace tinyllm {

// Where q, k and v of a packed batch are: token t's row is rows + t * stride, its q begins at 0.
struct EncoderProjections {
  const float* rows;  // [n_tokens, stride] f32
  std::int64_t stride;
  std::int64_t k_begin, v_begin;
};

class EncoderAttention {
 public:
  // All must outlive it. max_seq_len: of the longest text.
  EncoderAttention(ThreadPool& pool, const RowKernels& kernels, const EncoderConfig& config,
                   std::int64_t max_seq_len);

  // out[t] = softmax(q[t] K^T / sqrt(head_dim)) V over the tokens of t's own text. Text i has the
  // tokens [starts[i], starts[i + 1]). out: [n_tokens, out_stride] f32.
  void attend(const EncoderProjections& projections, std::span<const std::int64_t> starts,
              float* out, std::int64_t out_stride);

 private:
  // One head of one text, with the memory of one worker.
  void attend_head(const EncoderProjections& projections, std::int64_t first, std::int64_t n_tokens,
                   std::int64_t head, float* out, std::int64_t out_stride, float* memory) const;

  ThreadPool* pool_;
  const RowKernels* kernels_;
  AttentionKernels attention_{};
  std::int32_t n_heads_ = 0, head_dim_ = 0;
  std::int64_t page_floats_ = 0;    // of the pages of the longest text
  std::int64_t row_floats_ = 0;     // of its queries, and of its results
  std::int64_t memory_floats_ = 0;  // of a worker
  Buffer block_table_;              // i32: 0, 1, 2, ...
  Buffer memory_;                   // [n_workers, memory_floats_] f32
};

}  // namespace tinyllm
