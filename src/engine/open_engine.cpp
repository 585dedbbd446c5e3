#include "engine/open_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/error.h"
#include "kernels/make/make_backend.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kLargestDefaultContext = 32768;

std::uint64_t random_secret() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

std::int32_t blocks_for(std::int64_t n_tokens, std::int32_t block_size) {
  return static_cast<std::int32_t>((n_tokens + block_size - 1) / block_size);
}

// Blocks that fit into half of the free memory; never more than all rows could ever use.
std::int32_t default_blocks(const Backend& backend, const BackendSizes& sizes,
                            const EngineOptions& options) {
  const KvSpec kv{options.kv_type, options.block_size, 0};
  const std::int64_t block_bytes = backend.kv_block_bytes(sizes, kv);
  const std::int64_t per_row = blocks_for(options.context, options.block_size);
  const std::int64_t fit = backend.free_bytes() / 2 / block_bytes;
  return static_cast<std::int32_t>(std::min(fit, per_row * options.max_num_seqs));
}

// Before anything is packed: cos and sin of every position, made once and copied to the device.
void check_context(const Backend& backend, const ModelConfig& config, std::int32_t context) {
  const std::int64_t wanted = std::int64_t{context} * config.head_dim * 2 * 4;
  if (wanted <= backend.free_bytes()) return;
  fail(ErrorCode::out_of_memory,
       "a context of {} tokens needs {:.0f} MB for RoPE tables, {:.0f} MB are free; use a context "
       "of "
       "at most {}",
       context, static_cast<double>(wanted) / 1e6, static_cast<double>(backend.free_bytes()) / 1e6,
       backend.free_bytes() / (config.head_dim * 2 * 4));
}

void check_blocks(const Backend& backend, const BackendSizes& sizes, const EngineOptions& options) {
  const std::int64_t block_bytes =
      backend.kv_block_bytes(sizes, {options.kv_type, options.block_size, options.kv_blocks});
  const std::int64_t wanted = block_bytes * std::max(options.kv_blocks, 1);
  if (options.kv_blocks < 1 || wanted > backend.free_bytes()) {
    fail(ErrorCode::out_of_memory,
         "the KV cache of {} blocks of {} tokens needs {:.0f} MB, {:.0f} MB are free; lower "
         "--kv-blocks or --context",
         options.kv_blocks, options.block_size, static_cast<double>(wanted) / 1e6,
         static_cast<double>(backend.free_bytes()) / 1e6);
  }
}

}  // namespace

std::unique_ptr<Engine> open_engine(const std::filesystem::path& path, const EngineOptions& options,
                                    PackProgress progress) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  auto text = std::make_shared<const ModelText>(load_model_text(checkpoint));
  return open_engine(checkpoint, std::move(text), options, progress);
}

std::unique_ptr<Engine> open_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text, EngineOptions options,
                                    PackProgress progress) {
  Engine::Parts parts;
  if (options.n_threads == 0) options.n_threads = default_thread_count();
  if (options.prefix_secret == 0) options.prefix_secret = random_secret();
  const std::int64_t trained = checkpoint.config().max_seq_len;
  if (options.context == 0)
    options.context = static_cast<std::int32_t>(std::min(trained, kLargestDefaultContext));
  options.max_num_batched_tokens = std::max(options.max_num_batched_tokens, options.max_num_seqs);

  parts.pool = std::make_unique<ThreadPool>(options.n_threads);
  parts.backend = make_backend(*parts.pool, options.device);
  check_context(*parts.backend, checkpoint.config(), options.context);
  parts.decoder =
      std::make_unique<Decoder>(checkpoint, *parts.backend, *parts.pool,
                                DecoderOptions{options.context, options.quantise}, progress);
  const BackendSizes sizes = parts.decoder->sizes();
  if (options.kv_blocks == 0) options.kv_blocks = default_blocks(*parts.backend, sizes, options);
  check_blocks(*parts.backend, sizes, options);
  parts.text = std::move(text);
  parts.config = checkpoint.config();
  parts.options = options;
  return std::make_unique<Engine>(std::move(parts));
}

std::string describe(const Engine& engine) {
  const EngineOptions& options = engine.options();
  return fmt::format(
      "KV cache {:.0f} MB: {} blocks of {} tokens in {}, for at most {} sequence{} of {} tokens; "
      "{} "
      "threads",
      static_cast<double>(engine.kv_bytes()) / 1e6, options.kv_blocks, options.block_size,
      name(options.kv_type), options.max_num_seqs, options.max_num_seqs == 1 ? "" : "s",
      options.context, options.n_threads);
}

}  // namespace tinyllm
