#pragma once
// The number formats in which keys and values can be kept.
// Plain: instruction-set folders include this file.

#include <cstdint>

namespace tinyllm {

enum class KvType : std::uint8_t { f32, bf16, int8 };

static inline const char* name(KvType type) {
  return type == KvType::f32 ? "f32" : type == KvType::bf16 ? "bf16" : "int8";
}

}  // namespace tinyllm
