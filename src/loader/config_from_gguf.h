#pragma once
// GGUF metadata -> ModelConfig.

#include "loader/gguf_metadata.h"
#include "loader/model_config.h"
#include "loader/tensor_map.h"

namespace tinyllm {

// The tensors decide what the metadata leave open: vocab_size, biases,
// a tied head, llama3 frequency factors. The result is validated.
// Throws Error{invalid_input} for a missing or wrong key, Error{unsupported}
// for other architectures, mixtures of experts, partial RoPE.
ModelConfig config_from_gguf(const GgufMetadata& metadata, const TensorMap& tensors);

}  // namespace tinyllm
