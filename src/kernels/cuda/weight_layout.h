#pragma once
// Where a weight stands in the device's memory. Plain index arithmetic, the same on host and
// device; no CUDA header.
//
// bf16: row-major, [padded rows][padded columns], so that cuBLASLt reads it too.
//
// All other formats: tiles of 16 rows, one after another; a tile is a sequence of blocks along k,
// and a block holds codes and scales of 16 rows and 64 or 128 columns as the lanes of a warp want
// them: one 16-byte load a lane is a whole tensor-core operand (ptx.cuh, mma_bf16). Lane l, with
// g = l / 4 and c = l % 4, owns rows g and g + 8 and these columns of every 32:
//
//   groups of 32    8c .. 8c+7                        steps 0 and 1 of 16 columns take 4 each
//   groups of 16    4c .. 4c+3 and 16+4c .. 16+4c+3   so that a step is a group
//
// The order of columns within a step is free: the product only asks that weights and activations
// agree. Rows and columns are padded with zero codes and zero scales.
//
//   format    columns  codes                        scales                                   bits
//   int8      64       [2 halves][32 lanes][16 B]   f16 [8 g][2 h][2 halves]                  8.5
//   int8_k    128      twice that, groups of 16     i8 [8][2][8], then f16 [8][2]             8.63
//   int8_min  64       the same, groups of 16       f32 scale, min [8][2][4][2]               12
//   int4      64       [32 lanes][16 B]             f16 scale, min [8][2][2][2]               5
//   int4_k    128      twice that                   u8 scale, min [8][2][4][2], f16 [8][2][2] 4.75
//
// value = scale * code - min. One mask on a 32-bit word must leave a pair of neighbouring columns in
// its 16-bit halves: int8 (signed) keeps 4 columns as bytes 0, 2, 1, 3; int4 (unsigned) keeps column
// e of 8 in bits 4 (e / 2) + 16 (e % 2).

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define TINYLLM_HOST_DEVICE __host__ __device__
#else
#define TINYLLM_HOST_DEVICE
#endif

namespace tinyllm::cuda {

inline constexpr int kRowTile = 16;

enum class WeightFormat : std::uint8_t { bf16, int8, int8_k, int8_min, int4, int4_k };
inline constexpr int kNumWeightFormats = 6;

struct BlockInfo {
  int columns;       // of a block
  int group;         // columns that share a scale
  int code_bytes;    // of a block; scales follow
  int block_bytes;   // in all, for 16 rows
  bool small_steps;  // columns in the order of groups of 16
  int bits;          // of a code
};

TINYLLM_HOST_DEVICE constexpr BlockInfo block_info(WeightFormat format) {
  switch (format) {
    case WeightFormat::int8: return {64, 32, 1024, 1088, false, 8};
    case WeightFormat::int8_k: return {128, 16, 2048, 2208, true, 8};
    case WeightFormat::int8_min: return {64, 16, 1024, 1536, true, 8};
    case WeightFormat::int4: return {64, 32, 512, 640, false, 4};
    case WeightFormat::int4_k: return {128, 32, 1024, 1216, false, 4};
    case WeightFormat::bf16: break;
  }
  return {64, 64, 2048, 2048, false, 16};  // only `columns` has a meaning: what k is padded to
}

TINYLLM_HOST_DEVICE constexpr std::int64_t padded_to(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Bytes of a matrix.
TINYLLM_HOST_DEVICE constexpr std::int64_t matrix_bytes(WeightFormat format, std::int64_t n_rows,
                                                        std::int64_t n_cols) {
  const BlockInfo info = block_info(format);
  const std::int64_t rows = padded_to(n_rows, kRowTile), cols = padded_to(n_cols, info.columns);
  return format == WeightFormat::bf16 ? rows * cols * 2
                                      : rows / kRowTile * (cols / info.columns) * info.block_bytes;
}

// The byte of a code in its block, and the bit in that byte's 32-bit word. row < 16, col < columns.
struct CodePlace {
  int byte;   // of an 8-bit code; of the word that holds a 4-bit code
  int shift;  // of a 4-bit code in its word
};
TINYLLM_HOST_DEVICE constexpr CodePlace code_place(const BlockInfo& info, int row, int col) {
  const int g = row % 8, h = row / 8;
  const int sub = col / 64, half = col % 64 / 32, in_half = col % 32;
  int c = in_half / 8, e = in_half % 8;  // the lane's quarter, and its element of 8
  if (info.small_steps) {
    c = in_half % 16 / 4;
    e = in_half / 16 * 4 + in_half % 4;
  }
  const int lane = g * 4 + c;
  if (info.bits == 8) {
    const int byte = e / 4 * 4 + e % 2 * 2 + e % 4 / 2;
    return {sub * 1024 + half * 512 + lane * 16 + h * 8 + byte, 0};
  }
  return {sub * 512 + lane * 16 + half * 8 + h * 4, e / 2 * 4 + e % 2 * 16};
}

// Offsets of a row's and column's scales in its block.
struct ScalePlace {
  int group_scale;  // int8: f16; int4: f16 scale, f16 min; int8_min: f32 scale, f32 min;
                    // int8_k: i8; int4_k: u8 scale, u8 min
  int super_scale;  // int8_k: f16; int4_k: f16 scale, f16 min
};
TINYLLM_HOST_DEVICE constexpr ScalePlace scale_place(WeightFormat format, int row, int col) {
  const int g = row % 8, h = row / 8;
  switch (format) {
    case WeightFormat::int8: return {1024 + g * 8 + h * 4 + col / 32 * 2, 0};
    case WeightFormat::int8_k: return {2048 + g * 16 + h * 8 + col / 16, 2176 + g * 4 + h * 2};
    case WeightFormat::int8_min: return {1024 + g * 64 + h * 32 + col / 16 * 8, 0};
    case WeightFormat::int4: return {512 + g * 16 + h * 8 + col / 32 * 4, 0};
    case WeightFormat::int4_k: return {1024 + g * 16 + h * 8 + col / 32 * 2, 1152 + g * 8 + h * 4};
    case WeightFormat::bf16: break;
  }
  return {0, 0};
}

// Where a block begins. Not for bf16.
TINYLLM_HOST_DEVICE constexpr std::int64_t block_offset(WeightFormat format, std::int64_t row,
                                                        std::int64_t col, std::int64_t n_cols) {
  const BlockInfo info = block_info(format);
  const std::int64_t n_blocks = padded_to(n_cols, info.columns) / info.columns;
  return (row / kRowTile * n_blocks + col / info.columns) * info.block_bytes;
}

// Interleaved matrices (gate, up): each tile of 16 rows holds 8 rows of the one, then the same 8 of
// the other, so that a lane of the product meets both.
TINYLLM_HOST_DEVICE constexpr std::int64_t interleaved_row(std::int64_t row, int part) {
  return row / 8 * 16 + part * 8 + row % 8;
}

}  // namespace tinyllm::cuda
