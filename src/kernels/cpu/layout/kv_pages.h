#pragma once
// K/V pages of one layer and K/V head, as the store_kv kernel writes them and the attention kernel
// reads them. Block b begins at pages + b * block_stride: keys [head_dim][block_size], then values
// [block_size][head_dim]. Keys lie transposed so that one register holds a dimension of several
// positions: scores need no sum across. Pages of types with scales end with them, [block_size] f32
// of keys, then of values: element = scale of its position * code.
// A byte of q4 holds the codes of two dimensions, d in its low bits and d + head_dim / 2 in its high
// ones: keys [head_dim / 2][block_size], values [block_size][head_dim / 2].
// Plain pointers: instruction-set folders include this file.

#include <cstddef>
#include <cstdint>

#include "api/kv_type.h"

namespace tinyllm {

static inline std::int64_t kv_page_bytes(KvType type, std::int32_t block_size,
                                         std::int32_t head_dim) {
  const std::int64_t n_elements = std::int64_t{2} * block_size * head_dim;
  return n_elements * bits(type) / 8 + (has_scales(type) ? std::int64_t{8} * block_size : 0);
}

struct KvPages {
  std::byte* pages;
  std::int64_t block_stride;  // bytes from a block to the next
  std::int32_t block_size;    // positions
  std::int32_t head_dim;      // q4: even
  KvType type;

  // Types with scales: those of a block's keys or values. [block_size] f32
  float* key_scales(std::int32_t block) const {
    return reinterpret_cast<float*>(pages + block * block_stride +
                                    std::int64_t{2} * block_size * head_dim * bits(type) / 8);
  }
  float* value_scales(std::int32_t block) const { return key_scales(block) + block_size; }
};

// codes[i * stride] = round to nearest even of x[i] / scale, scale = max|x| / 127, which is
// returned. A row that holds a NaN or an infinity gets scale NaN and codes 0: what is broken stays
// seen. x: [n] f32.
float quantise_kv(const float* x, std::int32_t n, std::int8_t* codes, std::int64_t stride);

// What a code of q4 stands for: the 16 levels that a normally distributed number is best rounded to
// (Max 1960), times 46.5 and rounded. A rotated row is nearly such (TurboQuant, Zandieh et al. 2025).
inline constexpr std::int8_t kQ4Levels[16] = {-127, -96, -75, -58, -44, -31, -18, -6,
                                              6,    18,  31,  44,  58,  75,  96,  127};

// bytes[i * stride] = codes of x[i] and x[i + n / 2]; scale * level is near x, and the scale, which is
// returned, makes the sum of squared errors least for these codes. NaN as quantise_kv, and where the sum
// of squares is no f32 (from about 1e19 on). x: [n] f32.
float quantise_kv_q4(const float* x, std::int32_t n, std::uint8_t* bytes, std::int64_t stride);

// codes[i * stride] = x[i] / scale in e4m3, scale = max|x| / 448, which is returned: with keys of some
// models (Qwen2.5's bias) the format's own range would not do. NaN as quantise_kv, so that no code is
// NaN. x: [n] f32.
float quantise_kv_fp8(const float* x, std::int32_t n, std::uint8_t* codes, std::int64_t stride);

// e4m3 with no infinity: sign, 4 bits of exponent with bias 7, 3 of mantissa. Rounds to nearest even;
// beyond 448, the largest, it is 448. A NaN or an infinity becomes NaN, 0x7F.
std::uint8_t f32_to_e4m3(float value);
float e4m3_to_f32(std::uint8_t code);

}  // namespace tinyllm
