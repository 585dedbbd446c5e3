#pragma once
// The fields of config.json that say which layers see a window of the last positions only.

#include "base/json_field.h"
#include "loader/architecture.h"
#include "loader/model_config.h"

namespace tinyllm {

// `root` is the whole document; n_layers is set. Fills config.windows as transformers understands
// such a file. Throws Error{unsupported} for other kinds of layers, Error{invalid_input} for layers
// that have a window of unknown size.
void read_windows(const JsonField& root, const Architecture& architecture, ModelConfig& config);

}  // namespace tinyllm
