#include "client/loaded_reference.h"

#include <atomic>

#include "base/available_memory.h"
#include "base/log.h"
#include "client/open_model.h"
#include "reference/kv_rows.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kPageBytes = 4096;

double to_mb(std::int64_t n_bytes) { return static_cast<double>(n_bytes) / 1e6; }

// Works, but not well. What cannot work is an error of the model.
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

// Touches every page of the weights, in file order within a tensor.
void read_weights(const Checkpoint& checkpoint, ThreadPool& pool, LoadProgress progress) {
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
    progress(done, checkpoint.file_bytes());
  }
}

}  // namespace

LoadedReference::LoadedReference(const Checkpoint& checkpoint, int n_threads, std::int64_t context,
                                 LoadProgress progress)
    : pool_(n_threads > 0 ? n_threads : default_thread_count()) {
  warn_of_context(checkpoint, context);
  warn_of_memory(checkpoint, context);
  model_ = std::make_unique<reference::Model>(checkpoint, pool_, context);
  read_weights(checkpoint, pool_, progress);
}

}  // namespace tinyllm
