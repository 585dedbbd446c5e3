#include "apps/open_model.h"

#include <algorithm>
#include <atomic>

#include "apps/progress_bar.h"
#include "base/available_memory.h"
#include "base/error.h"
#include "base/log.h"
#include "loader/random_checkpoint.h"
#include "model_store/model_store.h"
#include "reference/kv_rows.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kPageBytes = 4096;

double to_mb(std::int64_t n_bytes) { return static_cast<double>(n_bytes) / 1e6; }

// Things that work, but not well. What cannot work is an error of who does it.
void warn_of_context(const ModelConfig& config, std::int64_t context) {
  if (context > config.max_seq_len) {
    log(LogLevel::warning,
        "--context {}: the model was trained for {} tokens; beyond that its text may fall apart",
        context, config.max_seq_len);
  }
}

void warn_of_memory(const Checkpoint& checkpoint, std::int64_t context) {
  const ModelConfig& config = checkpoint.config();
  const std::int64_t rows = reference::kv_rows_bytes(config.n_layers, context, config.kv_size());
  const std::int64_t available = available_memory_bytes();
  if (rows <= available && checkpoint.file_bytes() > available - rows) {
    log(LogLevel::warning,
        "the model ({:.0f} MB) and its K/V rows ({:.0f} MB) are more than the free memory ({:.0f} "
        "MB): expect it to be slow",
        to_mb(checkpoint.file_bytes()), to_mb(rows), to_mb(available));
  }
}

// Touches every page of the weights, file order within a tensor.
void read_weights(const Checkpoint& checkpoint, ThreadPool& pool) {
  ProgressBar progress("loading", checkpoint.file_bytes(), ProgressUnit::bytes);
  std::int64_t done = 0;
  std::atomic<unsigned> sink{0};
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const std::int64_t n_bytes = tensor.n_bytes();
    constexpr std::int64_t kPagesAtOnce = 256;
    pool.parallel_for((n_bytes + kPageBytes - 1) / kPageBytes, kPagesAtOnce,
                      [&](std::int64_t begin, std::int64_t end) {
                        unsigned sum = 0;
                        for (std::int64_t page = begin; page < end; ++page) {
                          sum += static_cast<unsigned>(tensor.data[page * kPageBytes]);
                        }
                        sink.fetch_add(sum, std::memory_order_relaxed);
                      });
    done += n_bytes;
    progress.update(done);
  }
}

}  // namespace

Checkpoint open_checkpoint(const std::string& name) {
  return Checkpoint::open(is_random_name(name) ? std::filesystem::path(name)
                                               : ModelStore().resolve(name));
}

const Tokenizer& require(const std::optional<Tokenizer>& tokenizer, const Checkpoint& checkpoint) {
  if (!tokenizer) {
    fail(ErrorCode::unsupported,
         "{}: has no tokenizer (tokenizer.json); only 'generate --token-ids' works with it",
         checkpoint.path().string());
  }
  return *tokenizer;
}

const ChatTemplate& require(const std::optional<ChatTemplate>& chat_template,
                            const Checkpoint& checkpoint) {
  if (!chat_template) {
    fail(ErrorCode::unsupported,
         "{}: has no chat template (a base model); use 'tinyllm generate' to complete text with it",
         checkpoint.path().string());
  }
  return *chat_template;
}

std::unique_ptr<Engine> load_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text,
                                    const EngineOptions& options) {
  warn_of_context(checkpoint.config(), options.limits.max_model_len);
  ProgressBar progress("loading", 0);
  return open_engine(checkpoint, std::move(text), options,
                     [&](std::int64_t n_done, std::int64_t n_layers) {
                       progress.set_total(n_layers);
                       progress.update(n_done);
                     });
}

RunningModel::RunningModel(const Checkpoint& checkpoint, int n_threads, std::int64_t context)
    : pool_(n_threads > 0 ? n_threads : default_thread_count()) {
  warn_of_context(checkpoint.config(), context);
  warn_of_memory(checkpoint, context);
  model_ = std::make_unique<reference::Model>(checkpoint, pool_, context);
  read_weights(checkpoint, pool_);
}

}  // namespace tinyllm
