#pragma once
// The whole decoder in plain f32: oracle of every backend, and week 1 of the course. One sequence,
// weights read in the file's own format. Not thread safe; one object per sequence in flight.

#include <cstdint>
#include <memory>
#include <span>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "base/token_id.h"
#include "loader/checkpoint.h"

namespace tinyllm::reference {

class Model {
 public:
  // `checkpoint` and `pool` must outlive the model. K/V rows for max_tokens positions are allocated
  // here. Throws Error{out_of_memory | invalid_input}.
  Model(const Checkpoint& checkpoint, ThreadPool& pool, std::int64_t max_tokens);
  ~Model();

  const ModelConfig& config() const;
  std::int64_t n_computed() const;  // positions [0, n_computed) have K/V rows
  std::int64_t max_tokens() const;

  // Runs token_ids at positions [n_computed, n_computed + n) and returns the logits of the last
  // one, [vocab_size] f32, valid until the next call.
  // CHECKs that they fit. `token_ids` must not be empty.
  std::span<const float> forward(std::span<const TokenId> token_ids);

  // As forward, and calls back with the logits row
  // of every position in order (perplexity, golden tests).
  std::span<const float> forward_all(
      std::span<const TokenId> token_ids,
      function_ref<void(std::int64_t position, std::span<const float>)> row);

  // As forward, and hands out the hidden states [n_tokens, hidden_size] of all tokens after the
  // embedding (-1) and after each layer (--dump-layers).
  using LayerWatcher = function_ref<void(std::int32_t layer_idx, std::span<const float> hidden)>;
  std::span<const float> forward_watched(std::span<const TokenId> token_ids,
                                         LayerWatcher after_layer);

  // Forgets positions [n, n_computed): a new turn, or --recompute. n <= n_computed.
  void rewind(std::int64_t n);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm::reference
