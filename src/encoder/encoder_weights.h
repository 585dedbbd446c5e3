#pragma once
// The weights of a BERT-class encoder, packed for the CPU's linear operator: as they are, or int8.
// Immutable after construction.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "encoder/encoder_config.h"
#include "encoder/encoder_precision.h"
#include "kernels/cpu/packed_matrix.h"
#include "loader/hf_folder.h"
#include "tensor/arena.h"
#include "tensor/buffer.h"

namespace tinyllm {

// y = x W^T + b.
struct EncoderLinear {
  std::unique_ptr<PackedMatrix> weight;
  Buffer bias;  // [weight's padded rows] f32, 0 where there are none
};

struct EncoderNorm {
  Buffer weight, bias;  // [hidden_size] f32
};

struct EncoderLayer {
  EncoderLinear qkv;     // [3 hidden_size, hidden_size], each part in whole panels
  EncoderLinear output;  // of attention, [hidden_size, hidden_size]
  EncoderNorm attention_norm;
  EncoderLinear up;    // [intermediate_size, hidden_size]
  EncoderLinear down;  // [hidden_size, intermediate_size]
  EncoderNorm output_norm;
};

struct EncoderWeights {
  // Views of the folder's files, which must outlive them; any float format.
  Tensor word_embeddings;      // [vocab_size, hidden_size]
  Tensor position_embeddings;  // [max_positions, hidden_size]
  Buffer token_types;          // [n_token_types, hidden_size] f32: a single text is of type 0
  EncoderNorm embedding_norm;
  std::vector<EncoderLayer> layers;
  std::unique_ptr<Arena> arena;  // of the packed matrices

  // Throws Error{invalid_input | out_of_memory} that names the tensor: missing, of another shape,
  // not finite.
  EncoderWeights(const HuggingFaceFolder& files, const EncoderConfig& config,
                 EncoderPrecision precision, ThreadPool& pool);
};

}  // namespace tinyllm
