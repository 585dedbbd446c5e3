#include "engine/open_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/random_id.h"
#include "engine/engine_options.h"
#include "engine/engine_parts.h"
#include "engine/model_memory.h"
#include "engine/open_draft_model.h"
#include "engine/open_kv_store.h"
#include "kernels/make/make_backend.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"
#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kLargestDefaultContext = 32768;

// Where results come a step late, a text with drafts must wait for them: only if it was asked for,
// by --speculate or by a draft model.
std::unique_ptr<Speculator> make_speculator(const EngineOptions& options, std::int32_t lag,
                                            std::int64_t vocab_size) {
  const bool has_model = !options.draft_model.empty();
  if (options.speculation == Speculation::off ||
      (options.speculation == Speculation::automatic && lag > 0 && !has_model))
    return nullptr;
  std::vector<std::unique_ptr<Drafter>> drafters;
  if (options.speculation != Speculation::model)
    drafters.push_back(std::make_unique<SuffixDrafter>());
  return std::make_unique<Speculator>(std::move(drafters), vocab_size, options.drafts_always);
}

// What docs/long-context.md tells of these types, measured on small models and on Qwen2.5, whose keys
// have large biases.
void warn_of_few_bits(const Checkpoint& checkpoint, KvType type) {
  constexpr double kLeastParameters = 6e9;  // "7B" models have that many
  if (type == KvType::fp8 && checkpoint.config().qkv_bias)
    log(LogLevel::warning,
        "keys of fp8 lose too much where keys have biases, as here; --kv-type int8 takes as much "
        "memory and loses far less");
  if (type != KvType::q4) return;
  double n_parameters = 0;
  for (const auto& [tensor_name, tensor] : checkpoint.tensors())
    n_parameters += static_cast<double>(tensor.shape.n_elems());
  if (n_parameters >= kLeastParameters) return;
  log(LogLevel::warning,
      "keys and values of q4 are for models of 7 billion parameters or more; this one has {:.2f} "
      "billion, and its answers will be worse or of no use; --kv-type int8 loses far less",
      n_parameters / 1e9);
}

// Blocks before the window are given back, and with them the draft model's rows.
void warn_of_windows(const BackendSizes& sizes, const DraftModel& draft, std::int32_t context) {
  const auto sees_all = [&](const AttentionSpec& layer) {
    return layer.window == 0 || layer.window >= context;
  };
  if (std::ranges::any_of(sizes.attention, sees_all)) return;
  log(LogLevel::warning,
      "{} drafts until a text is longer than its window, and then no more: the rows that it would "
      "need are given back",
      draft.name);
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
  check_draft_options(options);
  check_kv_type(checkpoint, options.kv.type);
  warn_of_few_bits(checkpoint, options.kv.type);
  check_context(*parts.backend, checkpoint.config(), limits.max_model_len);
  check_weights(*parts.backend, checkpoint, {.floats = options.quantise});
  parts.decoder = std::make_unique<Decoder>(
      checkpoint, *parts.backend, *parts.pool,
      DecoderOptions{limits.max_model_len, {.floats = options.quantise}}, progress);
  const BackendSizes sizes = parts.decoder->sizes();
  if (!options.draft_model.empty())
    parts.draft_model = open_draft_model(options, checkpoint, *text, *parts.pool);
  std::int64_t block_bytes = parts.backend->kv_block_bytes(sizes, options.kv);
  std::int64_t spare_bytes = 0;
  if (const DraftModel* draft = parts.draft_model.get()) {
    block_bytes += kv_block_bytes(*draft, options.kv);
    spare_bytes = kv_spare_bytes(*draft, options);
    warn_of_windows(sizes, *draft, limits.max_model_len);
  }
  if (options.kv.n_blocks == 0)
    options.kv.n_blocks = default_blocks(*parts.backend, block_bytes, spare_bytes, options);
  check_blocks(*parts.backend, block_bytes, spare_bytes, options);
  parts.kv_store = open_kv_store(options, checkpoint, *parts.backend, *parts.pool,
                                 parts.backend->kv_block_bytes(sizes, options.kv));
  parts.text = std::move(text);
  parts.vocab_size = checkpoint.config().vocab_size;
  parts.speculator = make_speculator(options, parts.backend->lag(), parts.vocab_size);
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
