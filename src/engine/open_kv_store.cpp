#include "engine/open_kv_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/version.h"
#include "engine/engine_options.h"
#include "loader/model_digest.h"

namespace tinyllm {
namespace {

// The end of the path, on one line.
std::string short_name(const Checkpoint& checkpoint) {
  std::string name = checkpoint.path().filename().string().substr(0, 200);
  std::ranges::replace_if(
      name, [](unsigned char c) { return c < ' '; }, '?');
  return name;
}

}  // namespace

std::unique_ptr<KvStore> open_kv_store(const EngineOptions& options, const Checkpoint& checkpoint,
                                       const Backend& backend, ThreadPool& pool,
                                       std::int64_t block_bytes) {
  if (!options.kv_store.wanted()) return nullptr;
  if (!options.prefix_cache)
    fail(ErrorCode::usage,
         "--kv-store keeps what the prefix cache finds; --no-prefix-cache turns "
         "that off");
  StoreIdentity identity;
  identity.arithmetic = backend.arithmetic();
  if (identity.arithmetic.empty()) {
    fail(ErrorCode::unsupported,
         "--kv-store works on the CPU only, and not with TINYLLM_KERNELS: this device's keys and "
         "values cannot be stored yet");
  }
  identity.model = short_name(checkpoint);
  identity.digest = model_digest(checkpoint, pool);
  if (options.quantise) identity.digest += fmt::format("-{}", name(*options.quantise));
  identity.program = fmt::format("tiny-llm {} build {:016x}", version(), build_id());
  identity.kv_type = name(options.kv.type);
  identity.block_size = options.kv.block_size;
  identity.block_bytes = block_bytes;
  return std::make_unique<KvStore>(options.kv_store, identity);
}

}  // namespace tinyllm
