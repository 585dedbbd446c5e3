#include "apps/fingerprint.h"

#include <fmt/core.h>

#include <cstdint>
#include <optional>

#include "base/version.h"

namespace tinyllm {

std::string fingerprint_of(const std::string& model, const EngineOptions& options) {
  const ContextSettings& context = options.context;
  const std::optional<RopeScaling>& scaling = context.rope_scaling;
  const std::string stretched = scaling
                                    ? fmt::format("{} {} {}", static_cast<int>(scaling->type),
                                                  scaling->factor, scaling->original_max_seq_len)
                                    : "as the file says";
  const std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {} {}", version(), model, name(options.kv.type),
                  options.kv.block_size, options.quantise ? name(*options.quantise) : "as it is",
                  static_cast<int>(options.device.kind), options.device.deterministic,
                  options.device.exact_float, context.window, context.sinks, stretched);
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("fp_{:010x}", hash >> 24);
}

}  // namespace tinyllm
