#pragma once
// The one place that wires a model into everything: checkpoint -> packed weights in a backend -> KV
// blocks sized from free memory -> a running engine.

#include <filesystem>
#include <memory>
#include <string>

#include "base/function_ref.h"
#include "engine/engine.h"

namespace tinyllm {

class Checkpoint;

using PackProgress = function_ref<void(std::int64_t n_layers_done, std::int64_t n_layers)>;

// path: as Checkpoint::open. What is 0 in `options` is resolved as engine/engine_options.h says.
// Throws Error{not_found | invalid_input | unsupported | out_of_memory} with the numbers.
std::unique_ptr<Engine> open_engine(const std::filesystem::path& path, const EngineOptions& options,
                                    PackProgress progress);

// The same for a caller that has opened the checkpoint and read its text. The checkpoint is not
// needed once this returns.
std::unique_ptr<Engine> open_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text, EngineOptions options,
                                    PackProgress progress);

// "KV cache 96 MB: 1024 blocks of 32 tokens in bf16, for at most 32 sequences of 8192 tokens; 2
// threads", and what the page store holds: said once at start.
std::string describe(const Engine& engine);

}  // namespace tinyllm
