#pragma once
// Opens the page store that an engine's options ask for: works out whose blocks they are.

#include <memory>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kv_store/kv_store.h"
#include "loader/checkpoint.h"

namespace tinyllm {

struct EngineOptions;

// nullptr where none is asked for. Reads all weights of the model. Throws as KvStore, and
// Error{unsupported} where blocks cannot leave the device, Error{usage} without a prefix cache.
std::unique_ptr<KvStore> open_kv_store(const EngineOptions& options, const Checkpoint& checkpoint,
                                       const Backend& backend, ThreadPool& pool,
                                       std::int64_t block_bytes);

}  // namespace tinyllm
