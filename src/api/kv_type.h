#pragma once
// The number formats in which keys and values can be kept.
// Plain: instruction-set folders include this file.

#include <cstdint>

namespace tinyllm {

// int8, fp8 and q4 are codes with a scale for each position and head: whole numbers, e4m3
// (Micikevicius et al. 2022), and one of 16 levels, with which keys and values are rotated.
enum class KvType : std::uint8_t { f32, bf16, int8, fp8, q4 };

static inline const char* name(KvType type) {
  switch (type) {
    case KvType::f32: return "f32";
    case KvType::bf16: break;
    case KvType::int8: return "int8";
    case KvType::fp8: return "fp8";
    case KvType::q4: return "q4";
  }
  return "bf16";
}

// Of an element, without the scales.
static inline int bits(KvType type) {
  switch (type) {
    case KvType::f32: return 32;
    case KvType::bf16: return 16;
    case KvType::int8:
    case KvType::fp8: break;
    case KvType::q4: return 4;
  }
  return 8;
}

// Whether each position has a scale for its key and one for its value, f32.
static inline bool has_scales(KvType type) { return bits(type) <= 8; }

}  // namespace tinyllm
