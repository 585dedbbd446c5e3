#include "engine/model_memory.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "model/weight_formats.h"

namespace tinyllm {

std::int32_t default_blocks(const Backend& backend, std::int64_t block_bytes,
                            std::int64_t spare_bytes, const EngineOptions& options) {
  const std::int64_t per_row = options.kv.blocks_for(options.limits.max_model_len);
  const auto share =
      static_cast<std::int64_t>(static_cast<double>(backend.free_bytes()) * options.memory_share);
  return static_cast<std::int32_t>(
      std::min(std::max<std::int64_t>(share - spare_bytes, 0) / block_bytes,
               per_row * options.limits.max_num_seqs));
}

void check_weights(const Backend& backend, const Checkpoint& checkpoint,
                   const WeightFormats& formats) {
  const std::int64_t wanted = packed_size(checkpoint, formats), free_bytes = backend.free_bytes();
  if (wanted <= free_bytes) return;
  fail(
      ErrorCode::out_of_memory,
      "{}: the weights need {:.1f} GB of memory, {:.1f} GB are free; a smaller model fits, or this "
      "one with fewer bits a weight",
      checkpoint.path().string(), static_cast<double>(wanted) / 1e9,
      static_cast<double>(free_bytes) / 1e9);
}

void check_kv_type(const Checkpoint& checkpoint, KvType type) {
  const std::int64_t head_dim = checkpoint.config().head_dim;
  if (type != KvType::q4 || std::has_single_bit(static_cast<std::uint64_t>(head_dim))) return;
  fail(ErrorCode::unsupported,
       "{}: keys and values of q4 need heads whose size is a power of two, not {}; --kv-type int8 "
       "takes any",
       checkpoint.path().string(), head_dim);
}

void check_context(const Backend& backend, const ModelConfig& config, std::int32_t context) {
  const std::int64_t wanted = std::int64_t{context} * config.head_dim * 2 * 4;
  if (wanted <= backend.free_bytes()) return;
  fail(ErrorCode::out_of_memory,
       "a context of {} tokens needs {:.0f} MB for RoPE tables, {:.0f} MB are free; use a context "
       "of at most {}",
       context, static_cast<double>(wanted) / 1e6, static_cast<double>(backend.free_bytes()) / 1e6,
       backend.free_bytes() / (config.head_dim * 2 * 4));
}

void check_blocks(const Backend& backend, std::int64_t block_bytes, std::int64_t spare_bytes,
                  const EngineOptions& options) {
  const std::int64_t wanted = block_bytes * std::max(options.kv.n_blocks, 1) + spare_bytes;
  if (options.kv.n_blocks < 1 || wanted > backend.free_bytes()) {
    fail(ErrorCode::out_of_memory,
         "the KV cache of {} blocks of {} tokens needs {:.0f} MB, {:.0f} MB are free; lower "
         "--kv-blocks or --context",
         options.kv.n_blocks, options.kv.block_size, static_cast<double>(wanted) / 1e6,
         static_cast<double>(backend.free_bytes()) / 1e6);
  }
}

}  // namespace tinyllm
