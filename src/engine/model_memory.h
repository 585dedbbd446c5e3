#pragma once
// Whether a model and its K/V blocks fit into the memory that is free. The checks throw
// Error{out_of_memory} with the numbers.

#include <cstdint>

#include "engine/engine_options.h"
#include "kernels/backend.h"
#include "loader/checkpoint.h"
#include "model/weight_formats.h"

namespace tinyllm {

// Blocks that fit into memory_share of the free memory beside `spare_bytes`; never more than all rows
// could ever use.
std::int32_t default_blocks(const Backend& backend, std::int64_t block_bytes,
                            std::int64_t spare_bytes, const EngineOptions& options);

// Before anything is packed: a system that gives memory it does not have would end the program in the
// middle.
void check_weights(const Backend& backend, const Checkpoint& checkpoint,
                   const WeightFormats& formats);

// Before anything is packed: whether its heads can be kept in this type. Throws Error{unsupported}.
void check_kv_type(const Checkpoint& checkpoint, KvType type);

// Before anything is packed: cos and sin of every position, made once and copied to the device.
void check_context(const Backend& backend, const ModelConfig& config, std::int32_t context);

// options.kv.n_blocks of them, and spare_bytes beside them.
void check_blocks(const Backend& backend, std::int64_t block_bytes, std::int64_t spare_bytes,
                  const EngineOptions& options);

}  // namespace tinyllm
