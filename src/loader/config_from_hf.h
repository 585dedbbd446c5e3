#pragma once
// config.json of a Hugging Face folder -> ModelConfig.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "loader/model_config.h"

namespace tinyllm {

// Reads the form of transformers 4 ("rope_theta", "rope_scaling") and of transformers 5
// ("rope_parameters"); what is absent gets the default of that class. `source` is the file's name.
// The result is validated. Throws Error{invalid_input} for a wrong field, Error{unsupported} for
// other classes, quantised weights, partial RoPE, other activations.
ModelConfig config_from_hf(const nlohmann::json& config, const std::string& source);

}  // namespace tinyllm
