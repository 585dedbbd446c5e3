#pragma once
// How a warp reads a block of each weight format into registers and multiplies it: 16 rows of
// weights are the first operand of the tensor cores, 8 rows of activations the second. Codes become
// bf16 exactly; scales multiply the f32 sums of their group.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/weight_layout.h"

namespace tinyllm::cuda {

// Where a tile's blocks are, for one lane.
struct TilePointer {
  const std::byte* base;      // of the tile; bf16: of the lane's first row
  std::int64_t row_distance;  // bf16: bytes from row g to row g + 8
};

// The operands of two steps of 16 columns: 32 columns of 16 rows.
struct Operand32 {
  std::uint32_t a[8];
};

__device__ __forceinline__ void multiply_32(float (&sums)[4], const Operand32& w, const uint4& x) {
  mma_bf16(sums, w.a[0], w.a[1], w.a[2], w.a[3], x.x, x.y);
  mma_bf16(sums, w.a[4], w.a[5], w.a[6], w.a[7], x.z, x.w);
}

// Sums of x over 16 columns, for every row of the result alike: a product with ones.
__device__ __forceinline__ void add_sums_of_x(float (&sums)[4], std::uint32_t b0,
                                              std::uint32_t b1) {
  constexpr std::uint32_t kOnes = 0x3F803F80u;
  mma_bf16(sums, kOnes, kOnes, kOnes, kOnes, b0, b1);
}

__device__ __forceinline__ std::uint32_t sub_bf16(std::uint32_t a, std::uint32_t b) {
  const __nv_bfloat162 d = __hsub2(reinterpret_cast<const __nv_bfloat162&>(a),
                                   reinterpret_cast<const __nv_bfloat162&>(b));
  return reinterpret_cast<const std::uint32_t&>(d);
}

// Bytes 0 and 2 of w, signed, as two bf16: low 7 bits are the mantissa of 128 + them, and the sign
// bit, as the lowest bit of the exponent of 128, makes what is subtracted 128 or 256. Exact.
__device__ __forceinline__ std::uint32_t bytes_to_bf16(std::uint32_t w) {
  return sub_bf16((w & 0x007F007Fu) | 0x43004300u, (w & 0x00800080u) | 0x43004300u);
}
// The lowest nibbles of both halves as two bf16, 128 + code each.
__device__ __forceinline__ std::uint32_t nibbles_to_bf16(std::uint32_t w) {
  return (w & 0x000F000Fu) | 0x43004300u;
}

// w.x w.y: 8 codes of row g; w.z w.w: of row g + 8.
__device__ __forceinline__ Operand32 operand_of_bytes(const uint4& w) {
  return {{bytes_to_bf16(w.x), bytes_to_bf16(w.z), bytes_to_bf16(w.x >> 8), bytes_to_bf16(w.z >> 8),
           bytes_to_bf16(w.y), bytes_to_bf16(w.w), bytes_to_bf16(w.y >> 8),
           bytes_to_bf16(w.w >> 8)}};
}
__device__ __forceinline__ Operand32 operand_of_nibbles(std::uint32_t low, std::uint32_t high) {
  return {{nibbles_to_bf16(low), nibbles_to_bf16(high), nibbles_to_bf16(low >> 4),
           nibbles_to_bf16(high >> 4), nibbles_to_bf16(low >> 8), nibbles_to_bf16(high >> 8),
           nibbles_to_bf16(low >> 12), nibbles_to_bf16(high >> 12)}};
}

__device__ __forceinline__ float2 halves(std::uint32_t pair) {
  return __half22float2(reinterpret_cast<const __half2&>(pair));
}

// scale * byte i of `bytes`, exactly: 2^23 + byte has the byte as its last mantissa bits.
__device__ __forceinline__ float scaled_byte(float scale, std::uint32_t bytes, int i) {
  const std::uint32_t bits = __byte_perm(bytes, 0x4B000000u, 0x7540 + i);
  return fmaf(scale, __uint_as_float(bits), -(scale * 8388608.0f));
}

// d += scale * sums - offset * sums_of_x: rows g and g + 8.
__device__ __forceinline__ void add_scaled(float (&d)[4], const float (&sums)[4], float scale_low,
                                           float scale_high) {
  d[0] = fmaf(scale_low, sums[0], d[0]);
  d[1] = fmaf(scale_low, sums[1], d[1]);
  d[2] = fmaf(scale_high, sums[2], d[2]);
  d[3] = fmaf(scale_high, sums[3], d[3]);
}

// What every format has:
//   kColumns, kStages     columns of a block; blocks of a warp that are under way
//   Registers             a block as it came from memory, a lane's part
//   load                  fills them
//   multiply<n, m>        d[m][n] += block x, for m tiles of 16 rows and n tiles of 8 rows of x;
//                         x.load(n, column) gives the 8 columns 8c.. of 32, x.load_small 4c.. and
//                         16 + 4c..

struct Bf16Blocks {
  static constexpr WeightFormat kFormat = WeightFormat::bf16;
  static constexpr int kColumns = 64, kStages = 4;
  struct Registers {
    uint4 low[2], high[2];  // rows g and g + 8; 32 columns each
  };
  static __device__ __forceinline__ void load(Registers& w, const TilePointer& tile, int block, int,
                                              std::uint64_t policy) {
    const std::byte* at = tile.base + block * 128;
    w.low[0] = load_weights_16(at, policy);
    w.low[1] = load_weights_16(at + 64, policy);
    w.high[0] = load_weights_16(at + tile.row_distance, policy);
    w.high[1] = load_weights_16(at + tile.row_distance + 64, policy);
  }
  template <int kNTiles, int kMTiles, typename X>
  static __device__ __forceinline__ void multiply(float (&d)[kMTiles][kNTiles][4],
                                                  const Registers (&w)[kMTiles], const X& x,
                                                  int column) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int n = 0; n < kNTiles; ++n) {
        const uint4 b = x.load(n, column + half * 32);
#pragma unroll
        for (int m = 0; m < kMTiles; ++m) {
          const uint4 low = w[m].low[half], high = w[m].high[half];
          multiply_32(d[m][n], {{low.x, high.x, low.y, high.y, low.z, high.z, low.w, high.w}}, b);
        }
      }
    }
  }
};

// Scales and offsets of 32 columns: d += scale * sums(code x) - offset * sums(x).
struct Scales32 {
  float low, high;                // rows g and g + 8
  float low_offset, high_offset;  // with the sign and whatever the code's bf16 was too large by
};

// d[m][n] += 32 columns of kMTiles tiles whose groups are 32 wide.
template <bool kOffsets, int kNTiles, int kMTiles, typename X>
__device__ __forceinline__ void multiply_group(float (&d)[kMTiles][kNTiles][4],
                                               const Operand32 (&a)[kMTiles],
                                               const Scales32 (&scales)[kMTiles], const X& x,
                                               int column) {
#pragma unroll
  for (int n = 0; n < kNTiles; ++n) {
    const uint4 b = x.load(n, column);
    float sums_of_x[4] = {};
    if constexpr (kOffsets) {
      add_sums_of_x(sums_of_x, b.x, b.y);
      add_sums_of_x(sums_of_x, b.z, b.w);
    }
#pragma unroll
    for (int m = 0; m < kMTiles; ++m) {
      float sums[4] = {};
      multiply_32(sums, a[m], b);
      add_scaled(d[m][n], sums, scales[m].low, scales[m].high);
      if constexpr (kOffsets)
        add_scaled(d[m][n], sums_of_x, scales[m].low_offset, scales[m].high_offset);
    }
  }
}

// d[m][n] += 32 columns in groups of 16.
template <bool kOffsets, int kNTiles, int kMTiles, typename X>
__device__ __forceinline__ void multiply_two_groups(float (&d)[kMTiles][kNTiles][4],
                                                    const Operand32 (&a)[kMTiles],
                                                    const Scales32 (&scales)[kMTiles][2],
                                                    const X& x, int column) {
#pragma unroll
  for (int n = 0; n < kNTiles; ++n) {
    const uint4 b = x.load_small(n, column);
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      const std::uint32_t b0 = step == 0 ? b.x : b.z, b1 = step == 0 ? b.y : b.w;
      float sums_of_x[4] = {};
      if constexpr (kOffsets) add_sums_of_x(sums_of_x, b0, b1);
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        float sums[4] = {};
        mma_bf16(sums, a[m].a[4 * step], a[m].a[4 * step + 1], a[m].a[4 * step + 2],
                 a[m].a[4 * step + 3], b0, b1);
        add_scaled(d[m][n], sums, scales[m][step].low, scales[m][step].high);
        if constexpr (kOffsets)
          add_scaled(d[m][n], sums_of_x, scales[m][step].low_offset, scales[m][step].high_offset);
      }
    }
  }
}

struct Int8Blocks {
  static constexpr WeightFormat kFormat = WeightFormat::int8;
  static constexpr int kColumns = 64, kStages = 4;
  struct Registers {
    uint4 codes[2];
    uint2 scales;
  };
  static __device__ __forceinline__ void load(Registers& w, const TilePointer& tile, int block,
                                              int lane, std::uint64_t policy) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
    w.codes[0] = load_weights_16(at + lane * 16, policy);
    w.codes[1] = load_weights_16(at + 512 + lane * 16, policy);
    w.scales = load_weights_8(at + 1024 + lane / 4 * 8, policy);
  }
  template <int kNTiles, int kMTiles, typename X>
  static __device__ __forceinline__ void multiply(float (&d)[kMTiles][kNTiles][4],
                                                  const Registers (&w)[kMTiles], const X& x,
                                                  int column) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      Operand32 a[kMTiles];
      Scales32 scales[kMTiles];
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        const float2 low = halves(w[m].scales.x), high = halves(w[m].scales.y);
        a[m] = operand_of_bytes(w[m].codes[half]);
        scales[m] = {half == 0 ? low.x : low.y, half == 0 ? high.x : high.y, 0.0f, 0.0f};
      }
      multiply_group<false>(d, a, scales, x, column + half * 32);
    }
  }
};

struct Int4Blocks {
  static constexpr WeightFormat kFormat = WeightFormat::int4;
  static constexpr int kColumns = 64, kStages = 4;
  struct Registers {
    uint4 codes;   // half 0: rows g, g + 8; half 1: the same
    uint4 scales;  // row g: half 0, half 1; row g + 8: the same. {scale, min} f16 each
  };
  static __device__ __forceinline__ void load(Registers& w, const TilePointer& tile, int block,
                                              int lane, std::uint64_t policy) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
    w.codes = load_weights_16(at + lane * 16, policy);
    w.scales = load_weights_16(at + 512 + lane / 4 * 16, policy);
  }
  template <int kNTiles, int kMTiles, typename X>
  static __device__ __forceinline__ void multiply(float (&d)[kMTiles][kNTiles][4],
                                                  const Registers (&w)[kMTiles], const X& x,
                                                  int column) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      Operand32 a[kMTiles];
      Scales32 scales[kMTiles];
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        const uint4 codes = w[m].codes;
        const float2 low = halves(half == 0 ? w[m].scales.x : w[m].scales.y);
        const float2 high = halves(half == 0 ? w[m].scales.z : w[m].scales.w);
        a[m] =
            half == 0 ? operand_of_nibbles(codes.x, codes.y) : operand_of_nibbles(codes.z, codes.w);
        scales[m] = {low.x, high.x, fmaf(-128.0f, low.x, -low.y), fmaf(-128.0f, high.x, -high.y)};
      }
      multiply_group<true>(d, a, scales, x, column + half * 32);
    }
  }
};

__device__ __forceinline__ std::uint32_t word(const uint4& v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}

struct Int4KBlocks {
  static constexpr WeightFormat kFormat = WeightFormat::int4_k;
  static constexpr int kColumns = 128, kStages = 3;
  struct Registers {
    uint4 codes[2];
    uint4 scales;  // {scale, min} u8 of 4 groups: 2 words of row g, 2 of row g + 8
    uint2 super;   // {scale, min} f16 of both rows
  };
  static __device__ __forceinline__ void load(Registers& w, const TilePointer& tile, int block,
                                              int lane, std::uint64_t policy) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
    w.codes[0] = load_weights_16(at + lane * 16, policy);
    w.codes[1] = load_weights_16(at + 512 + lane * 16, policy);
    w.scales = load_weights_16(at + 1024 + lane / 4 * 16, policy);
    w.super = load_weights_8(at + 1152 + lane / 4 * 8, policy);
  }
  template <int kNTiles, int kMTiles, typename X>
  static __device__ __forceinline__ void multiply(float (&d)[kMTiles][kNTiles][4],
                                                  const Registers (&w)[kMTiles], const X& x,
                                                  int column) {
#pragma unroll
    for (int group = 0; group < 4; ++group) {
      Operand32 a[kMTiles];
      Scales32 scales[kMTiles];
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        const uint4 codes = w[m].codes[group / 2];
        a[m] = group % 2 == 0 ? operand_of_nibbles(codes.x, codes.y)
                              : operand_of_nibbles(codes.z, codes.w);
        const float2 low = halves(w[m].super.x), high = halves(w[m].super.y);
        const std::uint32_t low_bytes = word(w[m].scales, group / 2);
        const std::uint32_t high_bytes = word(w[m].scales, 2 + group / 2);
        const int byte = group % 2 * 2;
        scales[m].low = scaled_byte(low.x, low_bytes, byte);
        scales[m].high = scaled_byte(high.x, high_bytes, byte);
        scales[m].low_offset =
            fmaf(-128.0f, scales[m].low, -scaled_byte(low.y, low_bytes, byte + 1));
        scales[m].high_offset =
            fmaf(-128.0f, scales[m].high, -scaled_byte(high.y, high_bytes, byte + 1));
      }
      multiply_group<true>(d, a, scales, x, column + group * 32);
    }
  }
};

struct Int8KBlocks {
  static constexpr WeightFormat kFormat = WeightFormat::int8_k;
  static constexpr int kColumns = 128, kStages = 2;
  struct Registers {
    uint4 codes[4];
    uint4 scales;         // i8 of 8 groups: 2 words of row g, 2 of row g + 8
    std::uint32_t super;  // f16 of both rows
  };
  static __device__ __forceinline__ void load(Registers& w, const TilePointer& tile, int block,
                                              int lane, std::uint64_t policy) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
#pragma unroll
    for (int i = 0; i < 4; ++i) w.codes[i] = load_weights_16(at + i * 512 + lane * 16, policy);
    w.scales = load_weights_16(at + 2048 + lane / 4 * 16, policy);
    w.super = load_weights_4(at + 2176 + lane / 4 * 4, policy);
  }
  template <int kNTiles, int kMTiles, typename X>
  static __device__ __forceinline__ void multiply(float (&d)[kMTiles][kNTiles][4],
                                                  const Registers (&w)[kMTiles], const X& x,
                                                  int column) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      Operand32 a[kMTiles];
      Scales32 scales[kMTiles][2];
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        a[m] = operand_of_bytes(w[m].codes[i]);
        const float2 super = halves(w[m].super);
        const std::uint32_t low = word(w[m].scales, i / 2) ^ 0x80808080u;
        const std::uint32_t high = word(w[m].scales, 2 + i / 2) ^ 0x80808080u;
#pragma unroll
        for (int step = 0; step < 2; ++step) {
          scales[m][step].low = signed_byte(super.x, low, i % 2 * 2 + step);
          scales[m][step].high = signed_byte(super.y, high, i % 2 * 2 + step);
        }
      }
      multiply_two_groups<false>(d, a, scales, x, column + i * 32);
    }
  }
  // scale * (byte - 128), exactly.
  static __device__ __forceinline__ float signed_byte(float scale, std::uint32_t bytes, int i) {
    const std::uint32_t bits = __byte_perm(bytes, 0x4B000000u, 0x7540 + i);
    return scale * (__uint_as_float(bits) - 8388736.0f);
  }
};

struct Int8MinBlocks {
  static constexpr WeightFormat kFormat = WeightFormat::int8_min;
  static constexpr int kColumns = 64, kStages = 2;
  struct Registers {
    uint4 codes[2];
    uint4 low[2], high[2];  // rows g and g + 8: {scale, min} f32 of two groups of 16
  };
  static __device__ __forceinline__ void load(Registers& w, const TilePointer& tile, int block,
                                              int lane, std::uint64_t policy) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      w.codes[i] = load_weights_16(at + i * 512 + lane * 16, policy);
      w.low[i] = load_weights_16(at + 1024 + lane / 4 * 64 + i * 16, policy);
      w.high[i] = load_weights_16(at + 1024 + lane / 4 * 64 + 32 + i * 16, policy);
    }
  }
  template <int kNTiles, int kMTiles, typename X>
  static __device__ __forceinline__ void multiply(float (&d)[kMTiles][kNTiles][4],
                                                  const Registers (&w)[kMTiles], const X& x,
                                                  int column) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      Operand32 a[kMTiles];
      Scales32 scales[kMTiles][2];
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        a[m] = operand_of_bytes(w[m].codes[i]);
        const uint4 low = w[m].low[i], high = w[m].high[i];
        scales[m][0] = {__uint_as_float(low.x), __uint_as_float(high.x), -__uint_as_float(low.y),
                        -__uint_as_float(high.y)};
        scales[m][1] = {__uint_as_float(low.z), __uint_as_float(high.z), -__uint_as_float(low.w),
                        -__uint_as_float(high.w)};
      }
      multiply_two_groups<true>(d, a, scales, x, column + i * 32);
    }
  }
};

}  // namespace tinyllm::cuda
