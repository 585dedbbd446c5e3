#pragma once
// The forward pass of a BERT-class encoder (Devlin et al. 2018): embeddings, then blocks that add
// and norm behind attention and behind the feed-forward layer. Texts lie packed behind each other,
// without padding. A text's states do not depend on its neighbours, bit for bit. One thread at a
// time.

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "base/token_id.h"
#include "encoder/encoder_attention.h"
#include "encoder/encoder_config.h"
#include "encoder/encoder_weights.h"
#include "kernels/cpu/cpu_linear.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/row_kernels.h"
#include "tensor/buffer.h"

namespace tinyllm {

class Encoder {
 public:
  // All must outlive it. Makes memory for batches of max_tokens tokens in texts of at most
  // max_seq_len. Throws Error{out_of_memory}.
  Encoder(ThreadPool& pool, const RowKernels& kernels, const EncoderConfig& config,
          const EncoderWeights& weights, std::int64_t max_tokens, std::int64_t max_seq_len);

  // The states behind the last block, [n_tokens, hidden_size] f32, until the next call. Text i has
  // the ids [starts[i], starts[i + 1]); ids are in the vocabulary, and n_tokens >= 1. types: of each
  // id, below n_token_types; empty: all are 0.
  const float* run(std::span<const TokenId> ids, std::span<const std::int64_t> starts,
                   std::span<const std::uint8_t> types = {});

 private:
  void embed(std::span<const TokenId> ids, std::span<const std::int64_t> starts,
             std::span<const std::uint8_t> types);
  void attend(const EncoderLayer& layer, std::int64_t n, std::span<const std::int64_t> starts);
  void feed_forward(const EncoderLayer& layer, std::int64_t n);
  // hidden_ = norm(hidden_), and x_ the same.
  void norm(const EncoderNorm& weights, std::int64_t t);

  float* hidden(std::int64_t t) { return hidden_.as<float>().data() + t * config_.hidden_size; }

  ThreadPool* pool_;
  const RowKernels* kernels_;
  const EncoderWeights* weights_;
  EncoderConfig config_;
  // In which forms the matrices read x_, attended_ and activated_.
  RowForms x_forms_, attended_forms_, activated_forms_;
  CpuLinear linear_;
  EncoderAttention attention_;
  Buffer hidden_;                       // [max_tokens, hidden_size] f32
  Buffer projections_;                  // [max_tokens, padded rows of qkv] f32
  InputRows x_, attended_, activated_;  // inputs of qkv and up, of output, of down
};

}  // namespace tinyllm
