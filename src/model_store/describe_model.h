#pragma once
// A look inside a model's headers: what it is, and whether it runs here. Any thread.

#include <cstdint>
#include <string>

#include "model_store/local_model.h"

namespace tinyllm {

struct ModelDescription {
  std::uint64_t bytes = 0;   // on disk, all its files
  std::string architecture;  // "llama", ...; empty when not supported
  std::string format;        // "GGUF Q4_1", "safetensors BF16": that of most of its bytes
  std::string unsupported;   // why it does not run here; empty when it does
};

// Opens the model without reading weights. Faults are part of the answer and never thrown.
ModelDescription describe_model(const LocalModel& model);

}  // namespace tinyllm
