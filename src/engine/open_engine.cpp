#include "engine/open_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random_id.h"
#include "engine/engine_options.h"
#include "engine/engine_parts.h"
#include "engine/open_kv_store.h"
#include "kernels/make/make_backend.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"
#include "model/packed_size.h"
#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kLargestDefaultContext = 32768;

// Blocks that fit into memory_share of the free memory; never more than all rows could ever use.
std::int32_t default_blocks(const Backend& backend, const BackendSizes& sizes,
                            const EngineOptions& options) {
  const std::int64_t block_bytes = backend.kv_block_bytes(sizes, options.kv);
  const std::int64_t per_row = options.kv.blocks_for(options.limits.max_model_len);
  const auto share =
      static_cast<std::int64_t>(static_cast<double>(backend.free_bytes()) * options.memory_share);
  return static_cast<std::int32_t>(
      std::min(share / block_bytes, per_row * options.limits.max_num_seqs));
}

// Before anything is packed: a system that gives memory it does not have would end the program in the
// middle.
void check_weights(const Backend& backend, const Checkpoint& checkpoint,
                   std::optional<DType> quantise) {
  const std::int64_t wanted = packed_size(checkpoint, quantise), free_bytes = backend.free_bytes();
  if (wanted <= free_bytes) return;
  fail(
      ErrorCode::out_of_memory,
      "{}: the weights need {:.1f} GB of memory, {:.1f} GB are free; a smaller model fits, or this "
      "one with fewer bits a weight",
      checkpoint.path().string(), static_cast<double>(wanted) / 1e9,
      static_cast<double>(free_bytes) / 1e9);
}

// Before anything is packed: cos and sin of every position, made once and copied to the device.
void check_context(const Backend& backend, const ModelConfig& config, std::int32_t context) {
  const std::int64_t wanted = std::int64_t{context} * config.head_dim * 2 * 4;
  if (wanted <= backend.free_bytes()) return;
  fail(ErrorCode::out_of_memory,
       "a context of {} tokens needs {:.0f} MB for RoPE tables, {:.0f} MB are free; use a context "
       "of at most {}",
       context, static_cast<double>(wanted) / 1e6, static_cast<double>(backend.free_bytes()) / 1e6,
       backend.free_bytes() / (config.head_dim * 2 * 4));
}

void check_blocks(const Backend& backend, const BackendSizes& sizes, const EngineOptions& options) {
  const std::int64_t block_bytes = backend.kv_block_bytes(sizes, options.kv);
  const std::int64_t wanted = block_bytes * std::max(options.kv.n_blocks, 1);
  if (options.kv.n_blocks < 1 || wanted > backend.free_bytes()) {
    fail(ErrorCode::out_of_memory,
         "the KV cache of {} blocks of {} tokens needs {:.0f} MB, {:.0f} MB are free; lower "
         "--kv-blocks or --context",
         options.kv.n_blocks, options.kv.block_size, static_cast<double>(wanted) / 1e6,
         static_cast<double>(backend.free_bytes()) / 1e6);
  }
}

// Where results come a step late, a text with drafts must wait for them: only if it was asked for.
std::unique_ptr<Speculator> make_speculator(Speculation speculation, std::int32_t lag,
                                            std::int64_t vocab_size) {
  if (speculation == Speculation::off || (speculation == Speculation::automatic && lag > 0))
    return nullptr;
  std::vector<std::unique_ptr<Drafter>> drafters;
  drafters.push_back(std::make_unique<SuffixDrafter>());
  return std::make_unique<Speculator>(std::move(drafters), vocab_size);
}

}  // namespace

std::unique_ptr<Engine> open_engine(const std::filesystem::path& path, const EngineOptions& options,
                                    PackProgress progress) {
  Checkpoint checkpoint = Checkpoint::open(path);
  checkpoint.set_context(options.context);
  auto text = std::make_shared<const ModelText>(load_model_text(checkpoint));
  return open_engine(checkpoint, std::move(text), options, progress);
}

std::unique_ptr<Engine> open_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text, EngineOptions options,
                                    PackProgress progress) {
  Engine::Parts parts;
  if (options.n_threads == 0) options.n_threads = default_thread_count();
  if (options.prefix_secret == 0) options.prefix_secret = random_number();
  StepLimits& limits = options.limits;
  const std::int64_t trained = checkpoint.config().max_seq_len;
  if (limits.max_model_len == 0)
    limits.max_model_len = static_cast<std::int32_t>(std::min(trained, kLargestDefaultContext));
  limits.max_num_batched_tokens = std::max(limits.max_num_batched_tokens, limits.max_num_seqs);

  parts.pool = std::make_unique<ThreadPool>(options.n_threads);
  parts.backend = make_backend(*parts.pool, options.device);
  check_context(*parts.backend, checkpoint.config(), limits.max_model_len);
  check_weights(*parts.backend, checkpoint, options.quantise);
  parts.decoder =
      std::make_unique<Decoder>(checkpoint, *parts.backend, *parts.pool,
                                DecoderOptions{limits.max_model_len, options.quantise}, progress);
  const BackendSizes sizes = parts.decoder->sizes();
  if (options.kv.n_blocks == 0)
    options.kv.n_blocks = default_blocks(*parts.backend, sizes, options);
  check_blocks(*parts.backend, sizes, options);
  parts.kv_store = open_kv_store(options, checkpoint, *parts.backend, *parts.pool,
                                 parts.backend->kv_block_bytes(sizes, options.kv));
  parts.text = std::move(text);
  parts.vocab_size = checkpoint.config().vocab_size;
  parts.speculator = make_speculator(options.speculation, parts.backend->lag(), parts.vocab_size);
  parts.options = options;
  return std::make_unique<Engine>(std::move(parts));
}

std::string describe(const Engine& engine) {
  const StepLimits& limits = engine.limits();
  const KvSpec& kv = engine.kv();
  const std::string store = engine.describe_kv_store();
  return fmt::format(
      "KV cache {:.0f} MB: {} block{} of {} tokens in {}, for at most {} sequence{} of {} tokens; "
      "{} threads{}{}",
      static_cast<double>(engine.kv_bytes()) / 1e6, kv.n_blocks, kv.n_blocks == 1 ? "" : "s",
      kv.block_size, name(kv.type), limits.max_num_seqs, limits.max_num_seqs == 1 ? "" : "s",
      limits.max_model_len, engine.options().n_threads, store.empty() ? "" : "; ", store);
}

}  // namespace tinyllm
