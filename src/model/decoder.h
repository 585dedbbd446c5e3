#pragma once
// The decoder recipe, once for every architecture: what differs between llama, qwen2 and qwen3 is
// data in ModelConfig and in which weights are there. It packs the weights into a backend at load
// and then plays the same calls in every step; how they are computed is the backend's
// business. Engine thread only.

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "loader/checkpoint.h"
#include "model/weight_formats.h"

namespace tinyllm {

struct DecoderOptions {
  std::int32_t max_model_len = 0;  // positions that RoPE tables are made for
  WeightFormats formats;
};

class Decoder {
 public:
  // Packs all weights of `checkpoint` into `backend`, which must outlive the decoder; checkpoint
  // and pool are not needed afterwards. `progress` is told of packed layers. Throws
  // Error{invalid_input | unsupported | out_of_memory}.
  Decoder(const Checkpoint& checkpoint, Backend& backend, ThreadPool& pool,
          const DecoderOptions& options,
          function_ref<void(std::int64_t done, std::int64_t total)> progress);

  // The model's part of BackendSizes; the batch's part is the engine's.
  BackendSizes sizes() const;

  // Packed bytes that one decoded token reads: all weights, but of an untied embedding one row and
  // of a layer's experts those that a token uses.
  std::int64_t weight_bytes_a_token() const;

  // begin_step, embed, the layers, head. The backend's collect() has the result.
  void step(const StepBatch& batch);

  // The same with hidden states handed out after the
  // embedding (-1) and after each layer (--dump-layers).
  void step_watched(const StepBatch& batch, function_ref<void(std::int32_t layer_idx)> after_layer);

 private:
  void play(function_ref<void(std::int32_t layer_idx)> after_layer);

  Backend* backend_;
  std::int32_t vocab_size_ = 0;
  std::int32_t max_model_len_ = 0;
  MatrixId embed_tokens_ = MatrixId::none;
  std::vector<LayerSpec> layers_;
  HeadWeights head_;
};

}  // namespace tinyllm
