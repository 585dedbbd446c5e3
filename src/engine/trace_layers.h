#pragma once
// One prompt through the engine's layers with the hidden states handed out: to find the first layer
// that differs from the reference path. Not in the way of any request.

#include <cstdint>
#include <span>

#include "api/sampling_params.h"
#include "base/function_ref.h"

namespace tinyllm {

class Checkpoint;
struct EngineOptions;

// Told of the hidden states [n_tokens, hidden_size] f32 after the embedding (layer_idx -1) and
// after each layer.
using LayerWatcher = function_ref<void(std::int32_t layer_idx, std::span<const float> hidden)>;

// Runs the whole prompt in one step. Of `options` threads,
// K/V type and quantise count. Throws as open_engine.
void trace_layers(const Checkpoint& checkpoint, std::span<const TokenId> prompt_ids,
                  const EngineOptions& options, LayerWatcher watcher);

}  // namespace tinyllm
