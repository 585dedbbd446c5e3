#pragma once
// What a run wants otherwise than the model's file says: which positions tokens see (--window,
// --sinks) and how RoPE is stretched (--rope-scaling). Plain data and pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loader/model_config.h"

namespace tinyllm {

struct ContextSettings {
  std::int64_t window = 0;  // of every layer that sees more; 0: as the file says
  std::int64_t sinks = 0;   // of the same layers
  // In place of the file's. original_max_seq_len 0: the length that the model was trained for before
  // any scaling.
  std::optional<RopeScaling> rope_scaling = {};
};

inline constexpr std::int64_t kMinWindow = 16;

// "none", "linear:F", "yarn:F" or "yarn:F,ORIGINAL" (the trained length). Throws Error{usage}.
RopeScaling parse_rope_scaling(std::string_view text);

// Throws Error{usage} for a window below kMinWindow, sinks without a window, or too many.
void validate(const ContextSettings& settings);

// Changes `config` to what the run wants. A layer whose own window is not larger keeps it, and has no
// sinks: it was trained so. A scaled context is `factor` times the trained one. Where no layer sees
// further than the model was trained for, texts may be longer than that: max_seq_len is then at least
// kEndlessContext.
void apply(const ContextSettings& settings, ModelConfig& config, const std::string& source);

inline constexpr std::int64_t kEndlessContext = 1 << 17;

// What tokens see, in words: "all positions", "a window of 1024 and 4 sinks, yarn x 4".
std::string describe_context(const ModelConfig& config);

// Whether every layer has a window of at most the length that the model was trained for.
bool is_endless(const ModelConfig& config);

}  // namespace tinyllm
