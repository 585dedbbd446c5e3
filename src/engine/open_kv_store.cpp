#include "engine/open_kv_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/version.h"
#include "base/xxhash64.h"
#include "engine/engine_options.h"
#include "loader/context_settings.h"
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

// The C library's mathematics are no part of this program, and round otherwise on another machine:
// a number for the functions that RoPE, softmax and SiLU call, at places as they call them.
std::uint64_t math_digest() {
  std::vector<double> values;
  for (int i = 0; i < 64; ++i) {
    const double frequency = std::pow(10000.0, -i / 64.0);
    values.push_back(frequency);
    for (int position = 1; position < 100000; position = position * 3 / 2 + 1) {
      values.push_back(std::cos(position * frequency));
      values.push_back(std::sin(position * frequency));
      values.push_back(std::exp(static_cast<float>(-position * frequency / 16)));
    }
  }
  return xxhash64(std::as_bytes(std::span(values)));
}

// What computes: device, kernels and library. Throws Error{unsupported}.
std::string arithmetic_of(const Backend& backend) {
  const std::string arithmetic = backend.arithmetic();
  if (arithmetic.empty()) {
    fail(ErrorCode::unsupported,
         "--kv-store works on the CPU only, and not with TINYLLM_KERNELS: this device's keys and "
         "values cannot be stored yet");
  }
  return fmt::format("{}, libm {:016x}", arithmetic, math_digest());
}

std::string this_program() {
  const std::uint64_t build = build_id();
  if (build == 0) {
    fail(ErrorCode::unsupported,
         "--kv-store: the system does not show which build of tiny-llm this is, and another one's "
         "keys and values may differ in their last bits");
  }
  return fmt::format("tiny-llm {} build {:016x}", version(), build);
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
  identity.arithmetic = arithmetic_of(backend);
  identity.model = short_name(checkpoint);
  identity.digest = model_digest(checkpoint, pool);
  identity.context = describe_context(checkpoint.config());
  if (options.quantise) identity.digest += fmt::format("-{}", name(*options.quantise));
  identity.program = this_program();
  identity.kv_type = name(options.kv.type);
  identity.block_size = options.kv.block_size;
  identity.block_bytes = block_bytes;
  KvStoreSpec spec = options.kv_store;  // with room in the queue for all blocks of a step
  spec.queue_bytes = std::max(
      spec.queue_bytes, options.kv.blocks_for(options.limits.max_num_batched_tokens) * block_bytes);
  return std::make_unique<KvStore>(spec, identity);
}

}  // namespace tinyllm
