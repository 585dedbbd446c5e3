#include "engine/trace_layers.h"

#include <numeric>
#include <vector>

#include "engine/engine_options.h"
#include "kernels/make/make_backend.h"
#include "model/decoder.h"

namespace tinyllm {

void trace_layers(const Checkpoint& checkpoint, std::span<const TokenId> prompt_ids,
                  const EngineOptions& options, LayerWatcher watcher) {
  const auto n_tokens = static_cast<std::int32_t>(prompt_ids.size());
  KvSpec kv = options.kv;
  kv.n_blocks = kv.blocks_for(n_tokens);
  ThreadPool pool(options.n_threads > 0 ? options.n_threads : default_thread_count());
  const std::unique_ptr<Backend> backend = make_backend(pool, options.device);
  Decoder decoder(checkpoint, *backend, pool, {n_tokens, {.floats = options.quantise}},
                  [](std::int64_t, std::int64_t) {});
  BackendSizes sizes = decoder.sizes();
  sizes.limits = {.max_num_seqs = 1, .max_num_batched_tokens = n_tokens, .max_model_len = n_tokens};
  backend->configure(sizes, kv);

  // One sequence in blocks 0, 1, 2, ...: a token's slot is its position.
  std::vector<std::int32_t> positions(static_cast<std::size_t>(n_tokens));
  std::iota(positions.begin(), positions.end(), 0);
  std::vector<std::int32_t> blocks(static_cast<std::size_t>(kv.n_blocks));
  std::iota(blocks.begin(), blocks.end(), 0);
  const std::int32_t seq_starts[] = {0, n_tokens}, block_starts[] = {0, kv.n_blocks};
  const std::int32_t row_slots[] = {0}, adapter_slots[] = {-1};
  StepBatch batch;
  batch.n_tokens = n_tokens;
  batch.n_seqs = 1;
  batch.token_ids = prompt_ids;
  batch.positions = positions;
  batch.slot_mapping = positions;
  batch.seq_starts = seq_starts;
  batch.row_slots = row_slots;
  batch.adapter_slots = adapter_slots;
  batch.block_starts = block_starts;
  batch.blocks = blocks;

  std::vector<float> hidden(static_cast<std::size_t>(n_tokens) *
                            static_cast<std::size_t>(sizes.hidden_size));
  decoder.step_watched(batch, [&](std::int32_t layer_idx) {
    backend->copy_hidden(hidden);
    watcher(layer_idx, hidden);
  });
}

}  // namespace tinyllm
