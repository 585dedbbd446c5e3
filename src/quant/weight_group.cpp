#include "quant/weight_group.h"

#include "base/check.h"
#include "quant/iq4_nl.h"
#include "quant/k_groups.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace tinyllm {
namespace {

// Of a binary16: our min is subtracted, that of some files is added.
constexpr std::uint16_t kSignBit = 0x8000;
constexpr std::int64_t kSuperGroups = 8;  // groups of 32 columns in a k-quant's block

std::int8_t byte_of(int value) { return static_cast<std::int8_t>(value); }

template <typename Block>
const Block& block_at(const std::byte* row, std::int64_t i) {
  return reinterpret_cast<const Block*>(row)[i];
}

// Bytes j hold element j in the low and element j + 16 in the high nibble.
void read_nibbles(const std::uint8_t* codes, WeightGroup& group) {
  for (int j = 0; j < 16; ++j) {
    group.q[j] = byte_of(codes[j] & 15);
    group.q[j + 16] = byte_of(codes[j] >> 4);
  }
}

// Nibbles plus one more bit an element, less an offset.
void read_five_bits(const std::uint8_t* codes, std::uint32_t high_bits, int offset,
                    WeightGroup& group) {
  read_nibbles(codes, group);
  for (int j = 0; j < 32; ++j) {
    group.q[j] = byte_of((group.q[j] | static_cast<int>(high_bits >> j & 1u) << 4) - offset);
  }
}

void read(const Q4_0Block& block, WeightGroup& group) {
  read_nibbles(block.codes, group);
  group.scale = block.scale;
}

void read(const Q4_1Block& block, WeightGroup& group) {
  read_nibbles(block.codes, group);
  group.scale = block.scale;
  group.min = block.min ^ kSignBit;
}

void read(const Q5_0Block& block, WeightGroup& group) {
  read_five_bits(block.codes, block.high_bits, 16, group);
  group.scale = block.scale;
}

void read(const Q5_1Block& block, WeightGroup& group) {
  read_five_bits(block.codes, block.high_bits, 0, group);
  group.scale = block.scale;
  group.min = block.min ^ kSignBit;
}

void read(const Q8_0Block& block, WeightGroup& group) {
  for (int j = 0; j < 32; ++j) group.q[j] = block.codes[j];
  group.scale = block.scale;
}

void read(const Iq4NlBlock& block, WeightGroup& group) {
  for (int j = 0; j < 16; ++j) {
    group.q[j] = kIq4NlLevels[block.codes[j] & 15];
    group.q[j + 16] = kIq4NlLevels[block.codes[j] >> 4];
  }
  group.scale = block.scale;
}

// The 4 low bits of group g of a q4_k or q5_k block, with the group's scale and min.
template <typename Block>
void read_k_nibbles(const Block& block, int g, WeightGroup& group) {
  for (int l = 0; l < 32; ++l) {
    group.q[l] = byte_of(block.codes[g / 2 * 32 + l] >> (g % 2 * 4) & 15);
  }
  const KGroup packed = unpack_k_group(block.groups, g);
  group.scale = block.scale;
  group.min = block.min;
  group.group_scale[0] = packed.scale;
  group.group_min[0] = packed.min;
}

void read(const Q4KBlock& block, int g, WeightGroup& group) { read_k_nibbles(block, g, group); }

void read(const Q5KBlock& block, int g, WeightGroup& group) {
  read_k_nibbles(block, g, group);
  for (int l = 0; l < 32; ++l)
    group.q[l] = byte_of(group.q[l] | (block.high_bits[l] >> g & 1) << 4);
}

void read(const Q2KBlock& block, int g, WeightGroup& group) {
  for (int l = 0; l < 32; ++l) group.q[l] = byte_of(block.codes[g / 4 * 32 + l] >> (g % 4 * 2) & 3);
  for (int half = 0; half < 2; ++half) {
    group.group_scale[half] = block.groups[2 * g + half] & 15;
    group.group_min[half] = block.groups[2 * g + half] >> 4;
  }
  group.scale = block.scale;
  group.min = block.min;
}

void read(const Q3KBlock& block, int g, WeightGroup& group) {
  for (int l = 0; l < 32; ++l) {
    const int low = block.codes[g / 4 * 32 + l] >> (g % 4 * 2) & 3;
    group.q[l] = byte_of((low | (block.high_bits[l] >> g & 1) << 2) + 28);  // offset 4 to 32
  }
  for (int half = 0; half < 2; ++half) {
    group.group_scale[half] = static_cast<std::uint8_t>(q3_k_group_scale(block, 2 * g + half));
  }
  group.scale = block.scale;
}

void read(const Q6KBlock& block, int g, WeightGroup& group) {
  for (int l = 0; l < 32; ++l) {
    const int low = block.low_bits[g / 4 * 64 + g % 2 * 32 + l] >> (g % 4 / 2 * 4) & 15;
    const int high = block.high_bits[g / 4 * 32 + l] >> (g % 4 * 2) & 3;
    group.q[l] = byte_of(low | high << 4);
  }
  for (int half = 0; half < 2; ++half) {
    group.group_scale[half] = static_cast<std::uint8_t>(block.group_scales[2 * g + half]);
  }
  group.scale = block.scale;
}

}  // namespace

WeightGroup read_group(DType dtype, const std::byte* row, std::int64_t group_idx) {
  WeightGroup group;
  const std::int64_t block = group_idx / kSuperGroups;
  const int g = static_cast<int>(group_idx % kSuperGroups);
  switch (dtype) {
    case DType::q4_0: read(block_at<Q4_0Block>(row, group_idx), group); return group;
    case DType::q4_1: read(block_at<Q4_1Block>(row, group_idx), group); return group;
    case DType::q5_0: read(block_at<Q5_0Block>(row, group_idx), group); return group;
    case DType::q5_1: read(block_at<Q5_1Block>(row, group_idx), group); return group;
    case DType::q8_0: read(block_at<Q8_0Block>(row, group_idx), group); return group;
    case DType::iq4_nl: read(block_at<Iq4NlBlock>(row, group_idx), group); return group;
    case DType::q2_k: read(block_at<Q2KBlock>(row, block), g, group); return group;
    case DType::q3_k: read(block_at<Q3KBlock>(row, block), g, group); return group;
    case DType::q4_k: read(block_at<Q4KBlock>(row, block), g, group); return group;
    case DType::q5_k: read(block_at<Q5KBlock>(row, block), g, group); return group;
    case DType::q6_k: read(block_at<Q6KBlock>(row, block), g, group); return group;
    case DType::f32:
    case DType::f16:
    case DType::bf16: break;
  }
  CHECK(false, "{} has no groups", name(dtype));
}

}  // namespace tinyllm
