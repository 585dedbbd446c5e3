#pragma once
// The one place that wires a model into everything: checkpoint -> packed weights in a backend -> KV
// blocks sized from free memory -> a running engine.

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "loader/checkpoint.h"
#include "text/tokenizer.h"

namespace tinyllm {

// `tokenizer` may be nullptr and must outlive the engine; `eos_ids` is the model's stop set. The
// checkpoint's bytes are not needed once this returns. A 0 in `options` is resolved: threads to
// physical cores, context to what the model was trained for (at most 32768), blocks to what half of
// the free memory holds, at most one full context for each of max_num_seqs. `progress` is told of
// packed layers. Throws Error{out_of_memory | invalid_input | unsupported} with the numbers.
std::unique_ptr<Engine> open_engine(
    const Checkpoint& checkpoint, const Tokenizer* tokenizer, std::vector<TokenId> eos_ids,
    EngineOptions options, function_ref<void(std::int64_t done, std::int64_t total)> progress);

// "KV cache: 1024 blocks of 32 tokens, bf16, 384 MB; at most 32 sequences of 8192 tokens": said
// once at start.
std::string describe(const Engine& engine);

}  // namespace tinyllm
