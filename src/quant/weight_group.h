#pragma once
// 32 weights of one row as integers with their scales: what a block format says, read exactly and
// before any device lays it out in its own way. Several file formats read as the same integers.

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace tinyllm {

// How the integers and scales of a group are meant: value(k) = scale * (q[k] - offset) - min.
struct GroupFormat {
  int bits;           // of q: 4: [0, 16); 6: [0, 64); 8: signed
  int n_cols;         // columns that share a scale: 16 or 32
  bool super_scaled;  // scale and min are those of the group times those of the row's 256 columns
  bool has_min;
  int offset;

  bool operator==(const GroupFormat&) const = default;
};

inline constexpr std::int64_t kGroupCols = 32;

struct WeightGroup {
  std::int8_t q[kGroupCols];
  std::uint16_t scale = 0, min = 0;  // binary16 bits; of 256 columns when super-scaled
  // Super-scaled: one a group, both halves of the columns where groups have 16. With a min they are
  // unsigned, without one the scales are signed.
  std::uint8_t group_scale[2] = {};
  std::uint8_t group_min[2] = {};
};

// Of a block format; floats have no groups.
constexpr GroupFormat group_format(DType dtype) {
  switch (dtype) {
    case DType::q4_0: return {4, 32, false, false, 8};
    case DType::q4_1: return {4, 32, false, true, 0};
    case DType::q4_k: return {4, 32, true, true, 0};
    case DType::q2_k: return {4, 16, true, true, 0};
    case DType::q8_0:
    case DType::q5_0:
    case DType::iq4_nl: return {8, 32, false, false, 0};
    case DType::q5_1: return {8, 32, false, true, 0};
    case DType::q5_k: return {8, 32, true, true, 0};
    case DType::q6_k:
    case DType::q3_k: return {6, 16, true, false, 32};
    case DType::f32:
    case DType::f16:
    case DType::bf16: break;
  }
  return {};
}

// The columns [32 group_idx, 32 group_idx + 32) of a row stored as `dtype`, a block format.
WeightGroup read_group(DType dtype, const std::byte* row, std::int64_t group_idx);

}  // namespace tinyllm
