#pragma once
// Which device computes: a word of the command line.

#include <cstdint>
#include <optional>
#include <string_view>

namespace tinyllm {

// Which device computes (--device). automatic: a GPU where there is one that can be used.
enum class DeviceKind : std::uint8_t { cpu, cuda, automatic };
struct DeviceSpec {
  DeviceKind kind = DeviceKind::cpu;
  std::int32_t idx = 0;  // which GPU
  // A GPU: the same bits whatever else is in a step, more slowly (--deterministic). The CPU's always are.
  bool deterministic = false;
  // The CPU: weights of bf16 meet activations of f32, not rounded to bf16 (--exact-float).
  bool exact_float = false;
};

// "cpu", "cuda", "cuda:1" or "auto"; nothing for anything else.
std::optional<DeviceSpec> parse_device(std::string_view text);

}  // namespace tinyllm
