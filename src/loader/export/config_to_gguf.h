#pragma once
// The shape and the numbers of a model as GGUF metadata:
// what config_from_gguf reads, llama.cpp too.

#include <vector>

#include "loader/export/gguf_keys.h"
#include "loader/model_config.h"

namespace tinyllm {

// Throws Error{unsupported} for a RoPE setting that GGUF has no key for.
void add_config_keys(const ModelConfig& config, GgufKeys& keys);

// What the tensor kRopeFreqs must hold, [head_dim / 2]; empty when the config needs none. Llama 3's
// scaling is written there and not as a key.
std::vector<float> gguf_rope_freqs(const ModelConfig& config);

}  // namespace tinyllm
