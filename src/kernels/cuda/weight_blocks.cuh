#pragma once
// How a warp fetches a block of each weight format and multiplies it: 16 rows of weights are the
// first operand of the tensor cores, 8 rows of activations the second. Codes become bf16 exactly;
// scales multiply the f32 sums of their group.
//
// A block waits in a slot of shared memory, as it lies in global memory; codes come by the lanes that
// read them.

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

// Place i of 512 bytes in a slot: 16 bytes a lane. Scales stand behind them, kSize bytes for each
// g = lane / 4: the first lane of four fetches them for all, since copies of one address by several
// lanes are done one after the other.
__device__ __forceinline__ void fetch_16(std::byte* slot, int i, const std::byte* from, int lane) {
  copy_async_16(slot + i * 512 + lane * 16, from);
}
template <int kSize>
__device__ __forceinline__ void fetch_scales(std::byte* place, const std::byte* from, int lane) {
  if (lane % 4 != 0) return;
  const int at = lane / 4 * kSize;
  if constexpr (kSize == 4) copy_async_4(place + at, from + at);
  if constexpr (kSize == 8) copy_async_8(place + at, from + at);
  if constexpr (kSize >= 16) {
#pragma unroll
    for (int i = 0; i < kSize; i += 16) copy_async_16(place + at + i, from + at + i);
  }
}
__device__ __forceinline__ uint4 read_16(const std::byte* slot, int i, int lane) {
  return *reinterpret_cast<const uint4*>(slot + i * 512 + lane * 16);
}
template <typename T>
__device__ __forceinline__ T read_scales(const std::byte* place, int i) {
  return *reinterpret_cast<const T*>(place + i * sizeof(T));
}

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
  return sub_bf16(and_or(w, 0x007F007Fu, 0x43004300u), and_or(w, 0x00800080u, 0x43004300u));
}
// The lowest nibbles of both halves as two bf16, 128 + code each.
__device__ __forceinline__ std::uint32_t nibbles_to_bf16(std::uint32_t w) {
  return and_or(w, 0x000F000Fu, 0x43004300u);
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

// 32 columns of 16 rows, ready for the tensor cores: value = scale * code + offset, where the scale
// of rows g and g + 8 holds for all 32 columns, or for 16 each.
struct Unit {
  Operand32 a;
  float low[2], high[2];
  float low_offset[2], high_offset[2];  // 0 unless kOffsets
};

// Two codes of one row with their scale and offset, in bf16.
__device__ __forceinline__ std::uint32_t values_of(std::uint32_t codes, float scale, float offset) {
  return pack_bf16(fmaf(low_bf16(codes), scale, offset), fmaf(high_bf16(codes), scale, offset));
}

// A lane's 8 values of row g (h = 0) or g + 8, in bf16: in the order of the columns that it owns.
__device__ __forceinline__ uint4 row_of_unit(const Unit& unit, int h) {
  const float* scale = h == 0 ? unit.low : unit.high;
  const float* offset = h == 0 ? unit.low_offset : unit.high_offset;
  return {values_of(unit.a.a[h], scale[0], offset[0]),
          values_of(unit.a.a[h + 2], scale[0], offset[0]),
          values_of(unit.a.a[h + 4], scale[1], offset[1]),
          values_of(unit.a.a[h + 6], scale[1], offset[1])};
}

// What every format has:
//   kColumns              of a block
//   kSlotBytes            of a block in shared memory, for all lanes
//   Registers             a lane's part of a block
//   fetch(slot, ..)       begins to copy a lane's part into the slot
//   read(slot, lane)      a lane's part, when it has come and the warp has met
//   unit(w, i)            columns 32 i.. of the block
//   kSmallGroups          scales hold for 16 columns: steps of the tensor cores are added one by one
//   kOffsets              values have an offset: sums of x are needed too

struct Bf16Blocks {
  static constexpr WeightFormat kFormat = WeightFormat::bf16;
  static constexpr int kColumns = 64, kSlotBytes = 2048;
  static constexpr bool kSmallGroups = false, kOffsets = false;
  struct Registers {
    uint4 low[2], high[2];  // rows g and g + 8; 32 columns each
  };
  static __device__ __forceinline__ void fetch(std::byte* slot, const TilePointer& tile, int block,
                                               int lane) {
    const std::byte* at = tile.base + block * 128;
    fetch_16(slot, 0, at, lane);
    fetch_16(slot, 1, at + 64, lane);
    fetch_16(slot, 2, at + tile.row_distance, lane);
    fetch_16(slot, 3, at + tile.row_distance + 64, lane);
  }
  static __device__ __forceinline__ Registers read(const std::byte* slot, int lane) {
    return {{read_16(slot, 0, lane), read_16(slot, 1, lane)},
            {read_16(slot, 2, lane), read_16(slot, 3, lane)}};
  }
  static __device__ __forceinline__ Unit unit(const Registers& w, int i) {
    const uint4 low = w.low[i], high = w.high[i];
    return {{{low.x, high.x, low.y, high.y, low.z, high.z, low.w, high.w}}};
  }
};

struct Int8Blocks {
  static constexpr WeightFormat kFormat = WeightFormat::int8;
  static constexpr int kColumns = 64, kSlotBytes = 1088;
  static constexpr bool kSmallGroups = false, kOffsets = false;
  struct Registers {
    uint4 codes[2];
    uint2 scales;
  };
  static __device__ __forceinline__ void fetch(std::byte* slot, const TilePointer& tile, int block,
                                               int lane) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
    fetch_16(slot, 0, at + lane * 16, lane);
    fetch_16(slot, 1, at + 512 + lane * 16, lane);
    fetch_scales<8>(slot + 1024, at + 1024, lane);
  }
  static __device__ __forceinline__ Registers read(const std::byte* slot, int lane) {
    return {{read_16(slot, 0, lane), read_16(slot, 1, lane)},
            read_scales<uint2>(slot + 1024, lane / 4)};
  }
  static __device__ __forceinline__ Unit unit(const Registers& w, int i) {
    const float2 low = halves(w.scales.x), high = halves(w.scales.y);
    Unit unit{};
    unit.a = operand_of_bytes(w.codes[i]);
    unit.low[0] = unit.low[1] = i == 0 ? low.x : low.y;
    unit.high[0] = unit.high[1] = i == 0 ? high.x : high.y;
    return unit;
  }
};

// The offsets of nibbles: they became 128 + code.
__device__ __forceinline__ Unit unit_of_nibbles(const uint4& codes, bool second, float low,
                                                float high, float low_min, float high_min) {
  Unit unit{};
  unit.a = second ? operand_of_nibbles(codes.z, codes.w) : operand_of_nibbles(codes.x, codes.y);
  unit.low[0] = unit.low[1] = low;
  unit.high[0] = unit.high[1] = high;
  unit.low_offset[0] = unit.low_offset[1] = fmaf(-128.0f, low, -low_min);
  unit.high_offset[0] = unit.high_offset[1] = fmaf(-128.0f, high, -high_min);
  return unit;
}

struct Int4Blocks {
  static constexpr WeightFormat kFormat = WeightFormat::int4;
  static constexpr int kColumns = 64, kSlotBytes = 640;
  static constexpr bool kSmallGroups = false, kOffsets = true;
  struct Registers {
    uint4 codes;   // half 0: rows g, g + 8; half 1: the same
    uint4 scales;  // row g: half 0, half 1; row g + 8: the same. {scale, min} f16 each
  };
  static __device__ __forceinline__ void fetch(std::byte* slot, const TilePointer& tile, int block,
                                               int lane) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
    fetch_16(slot, 0, at + lane * 16, lane);
    fetch_scales<16>(slot + 512, at + 512, lane);
  }
  static __device__ __forceinline__ Registers read(const std::byte* slot, int lane) {
    return {read_16(slot, 0, lane), read_scales<uint4>(slot + 512, lane / 4)};
  }
  static __device__ __forceinline__ Unit unit(const Registers& w, int i) {
    const float2 low = halves(i == 0 ? w.scales.x : w.scales.y);
    const float2 high = halves(i == 0 ? w.scales.z : w.scales.w);
    return unit_of_nibbles(w.codes, i == 1, low.x, high.x, low.y, high.y);
  }
};

__device__ __forceinline__ std::uint32_t word(const uint4& v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}

struct Int4KBlocks {
  static constexpr WeightFormat kFormat = WeightFormat::int4_k;
  static constexpr int kColumns = 128, kSlotBytes = 1216;
  static constexpr bool kSmallGroups = false, kOffsets = true;
  struct Registers {
    uint4 codes[2];
    uint4 scales;  // {scale, min} u8 of 4 groups: 2 words of row g, 2 of row g + 8
    uint2 super;   // {scale, min} f16 of both rows
  };
  static __device__ __forceinline__ void fetch(std::byte* slot, const TilePointer& tile, int block,
                                               int lane) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
    fetch_16(slot, 0, at + lane * 16, lane);
    fetch_16(slot, 1, at + 512 + lane * 16, lane);
    fetch_scales<16>(slot + 1024, at + 1024, lane);
    fetch_scales<8>(slot + 1152, at + 1152, lane);
  }
  static __device__ __forceinline__ Registers read(const std::byte* slot, int lane) {
    return {{read_16(slot, 0, lane), read_16(slot, 1, lane)},
            read_scales<uint4>(slot + 1024, lane / 4),
            read_scales<uint2>(slot + 1152, lane / 4)};
  }
  static __device__ __forceinline__ Unit unit(const Registers& w, int i) {
    const float2 low = halves(w.super.x), high = halves(w.super.y);
    const std::uint32_t low_bytes = word(w.scales, i / 2);
    const std::uint32_t high_bytes = word(w.scales, 2 + i / 2);
    const int byte = i % 2 * 2;
    return unit_of_nibbles(w.codes[i / 2], i % 2 == 1, scaled_byte(low.x, low_bytes, byte),
                           scaled_byte(high.x, high_bytes, byte),
                           scaled_byte(low.y, low_bytes, byte + 1),
                           scaled_byte(high.y, high_bytes, byte + 1));
  }
};

struct Int8KBlocks {
  static constexpr WeightFormat kFormat = WeightFormat::int8_k;
  static constexpr int kColumns = 128, kSlotBytes = 2208;
  static constexpr bool kSmallGroups = true, kOffsets = false;
  struct Registers {
    uint4 codes[4];
    uint4 scales;         // i8 of 8 groups: 2 words of row g, 2 of row g + 8
    std::uint32_t super;  // f16 of both rows
  };
  static __device__ __forceinline__ void fetch(std::byte* slot, const TilePointer& tile, int block,
                                               int lane) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
#pragma unroll
    for (int i = 0; i < 4; ++i) fetch_16(slot, i, at + i * 512 + lane * 16, lane);
    fetch_scales<16>(slot + 2048, at + 2048, lane);
    fetch_scales<4>(slot + 2176, at + 2176, lane);
  }
  static __device__ __forceinline__ Registers read(const std::byte* slot, int lane) {
    return {{read_16(slot, 0, lane), read_16(slot, 1, lane), read_16(slot, 2, lane),
             read_16(slot, 3, lane)},
            read_scales<uint4>(slot + 2048, lane / 4),
            read_scales<std::uint32_t>(slot + 2176, lane / 4)};
  }
  static __device__ __forceinline__ Unit unit(const Registers& w, int i) {
    const float2 super = halves(w.super);
    const std::uint32_t low = word(w.scales, i / 2) ^ 0x80808080u;
    const std::uint32_t high = word(w.scales, 2 + i / 2) ^ 0x80808080u;
    Unit unit{};
    unit.a = operand_of_bytes(w.codes[i]);
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      unit.low[step] = signed_byte(super.x, low, i % 2 * 2 + step);
      unit.high[step] = signed_byte(super.y, high, i % 2 * 2 + step);
    }
    return unit;
  }
  // scale * (byte - 128), exactly.
  static __device__ __forceinline__ float signed_byte(float scale, std::uint32_t bytes, int i) {
    const std::uint32_t bits = __byte_perm(bytes, 0x4B000000u, 0x7540 + i);
    return scale * (__uint_as_float(bits) - 8388736.0f);
  }
};

struct Int8MinBlocks {
  static constexpr WeightFormat kFormat = WeightFormat::int8_min;
  static constexpr int kColumns = 64, kSlotBytes = 1536;
  static constexpr bool kSmallGroups = true, kOffsets = true;
  struct Registers {
    uint4 codes[2];
    uint4 low[2], high[2];  // rows g and g + 8: {scale, min} f32 of two groups of 16
  };
  static __device__ __forceinline__ void fetch(std::byte* slot, const TilePointer& tile, int block,
                                               int lane) {
    const std::byte* at = tile.base + block * block_info(kFormat).block_bytes;
#pragma unroll
    for (int i = 0; i < 2; ++i) fetch_16(slot, i, at + i * 512 + lane * 16, lane);
    fetch_scales<64>(slot + 1024, at + 1024, lane);
  }
  static __device__ __forceinline__ Registers read(const std::byte* slot, int lane) {
    return {{read_16(slot, 0, lane), read_16(slot, 1, lane)},
            {read_scales<uint4>(slot + 1024, lane / 4 * 4),
             read_scales<uint4>(slot + 1024, lane / 4 * 4 + 1)},
            {read_scales<uint4>(slot + 1024, lane / 4 * 4 + 2),
             read_scales<uint4>(slot + 1024, lane / 4 * 4 + 3)}};
  }
  static __device__ __forceinline__ Unit unit(const Registers& w, int i) {
    const uint4 low = w.low[i], high = w.high[i];
    return {operand_of_bytes(w.codes[i]),
            {__uint_as_float(low.x), __uint_as_float(low.z)},
            {__uint_as_float(high.x), __uint_as_float(high.z)},
            {-__uint_as_float(low.y), -__uint_as_float(low.w)},
            {-__uint_as_float(high.y), -__uint_as_float(high.w)}};
  }
};

// d += 16 columns: step `step` of a unit, whose operands of x are b0, b1.
template <typename Blocks>
__device__ __forceinline__ void add_step(float (&d)[4], const Unit& w, int step, std::uint32_t b0,
                                         std::uint32_t b1, const float (&sums_of_x)[4]) {
  float sums[4] = {};
  mma_bf16(sums, w.a.a[4 * step], w.a.a[4 * step + 1], w.a.a[4 * step + 2], w.a.a[4 * step + 3], b0,
           b1);
  add_scaled(d, sums, w.low[step], w.high[step]);
  if constexpr (Blocks::kOffsets) add_scaled(d, sums_of_x, w.low_offset[step], w.high_offset[step]);
}

// d[m][n] += a block of kMTiles tiles of 16 rows times kNTiles tiles of 8 rows of x.
// x.load(n, i, column): the 8 columns 8c.. of 32, which are unit i of the block and begin at
// `column`; x.load_small: 4c.. and 16 + 4c.. . n_used: tiles of rows of x that there are.
template <typename Blocks, int kNTiles, int kMTiles, typename X>
__device__ __forceinline__ void multiply_block(float (&d)[kMTiles][kNTiles][4],
                                               const typename Blocks::Registers (&w)[kMTiles],
                                               const X& x, int column, int n_used = kNTiles) {
#pragma unroll
  for (int i = 0; i < Blocks::kColumns / 32; ++i) {
    Unit units[kMTiles];
#pragma unroll
    for (int m = 0; m < kMTiles; ++m) units[m] = Blocks::unit(w[m], i);
#pragma unroll
    for (int n = 0; n < kNTiles; ++n) {
      if (n >= n_used) break;
      const uint4 b = Blocks::kSmallGroups ? x.load_small(n, i, column + 32 * i)
                                           : x.load(n, i, column + 32 * i);
      float sums_of_x[2][4] = {};
      if constexpr (Blocks::kOffsets) {
        add_sums_of_x(sums_of_x[0], b.x, b.y);
        add_sums_of_x(sums_of_x[Blocks::kSmallGroups], b.z, b.w);
      }
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        if constexpr (Blocks::kFormat == WeightFormat::bf16) {
          multiply_32(d[m][n], units[m].a, b);
        } else if constexpr (Blocks::kSmallGroups) {
          add_step<Blocks>(d[m][n], units[m], 0, b.x, b.y, sums_of_x[0]);
          add_step<Blocks>(d[m][n], units[m], 1, b.z, b.w, sums_of_x[1]);
        } else {
          float sums[4] = {};
          multiply_32(sums, units[m].a, b);
          add_scaled(d[m][n], sums, units[m].low[0], units[m].high[0]);
          if constexpr (Blocks::kOffsets)
            add_scaled(d[m][n], sums_of_x[0], units[m].low_offset[0], units[m].high_offset[0]);
        }
      }
    }
  }
}

}  // namespace tinyllm::cuda
