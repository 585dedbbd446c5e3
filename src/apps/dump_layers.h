#pragma once
// generate --dump-layers: what every layer puts out for a prompt, as NumPy files.

#include <filesystem>
#include <span>

#include "api/sampling_params.h"
#include "apps/engine_options.h"
#include "loader/checkpoint.h"

namespace tinyllm {

// Runs the prompt with the engine or the reference path (flags.engine) and writes embedding.npy,
// layer_00.npy, layer_01.npy, ... into `folder` (made when missing), each [n_tokens, hidden_size]
// f32. Says on stderr what it wrote. Throws Error{io | out_of_memory | ...}.
void dump_layers(const Checkpoint& checkpoint, std::span<const TokenId> prompt_ids,
                 const EngineFlags& flags, const std::filesystem::path& folder);

}  // namespace tinyllm
