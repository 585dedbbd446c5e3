#pragma once
// The one place that wires a model into everything: checkpoint -> packed weights in a backend -> KV
// blocks sized from free memory -> a running engine.

#include <filesystem>
#include <memory>
#include <string>

#include "base/function_ref.h"
#include "engine/engine.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"

namespace tinyllm {

using PackProgress = function_ref<void(std::int64_t n_layers_done, std::int64_t n_layers)>;

// path: as Checkpoint::open. A 0 in `options` is resolved: threads to physical cores, context to
// what the model was trained for (at most 32768), blocks to what half of the free memory holds, at
// most a full context for each of max_num_seqs. Throws Error{not_found | invalid_input |
// unsupported | out_of_memory} with the numbers.
std::unique_ptr<Engine> open_engine(const std::filesystem::path& path, const EngineOptions& options,
                                    PackProgress progress);

// The same for who looks at the text before the weights are read. The checkpoint is not needed once
// this returns.
std::unique_ptr<Engine> open_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text, EngineOptions options,
                                    PackProgress progress);

// "KV cache 96 MB: 1024 blocks of 32 tokens in bf16, for at most 32 sequences of 8192 tokens; 2
// threads": said once at start.
std::string describe(const Engine& engine);

}  // namespace tinyllm
