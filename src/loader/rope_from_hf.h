#pragma once
// The RoPE fields of config.json: "rope_theta" and "rope_scaling" (transformers 4) or
// "rope_parameters" (transformers 5).

#include "base/json_field.h"
#include "loader/model_config.h"

namespace tinyllm {

// `root` is the whole document. Fills rope_theta and rope_scaling, and stretches max_seq_len
// (already set) where YaRN does. Throws Error{unsupported} for other scalings and for RoPE on a
// part of a head.
void read_rope(const JsonField& root, double default_theta, ModelConfig& config);

}  // namespace tinyllm
