#pragma once
// How one row of x meets a piece of 16 rows of weights: one bulk copy into a slot, then the tensor
// cores. Of their 8 columns for rows of x, one row would leave 7 idle; so each column takes the x of a
// different group of weights, zero elsewhere:
//
//   column of x      0         1         2     ..   7
//   columns 0..31    x[0..31]  0         0          0        d[row][j] is the sum of group j, and no
//   columns 32..63   0         x[32..]   0          0        sum is scaled before 8 groups are done:
//   ..                                                       lane (g, c) has groups 2c and 2c + 1
//
// so that a scale is unpacked by one lane, once, and the sums of x that offsets need come from a table.

#include <type_traits>

#include "kernels/cuda/weight_blocks.cuh"

namespace tinyllm::cuda {

// A row of x in shared memory, and its sums over 32 columns.
struct OneRowX {
  const std::byte* x;  // bf16
  const float* sums;
};

// What a warp has of 16 rows: row g and row g + 8. Lanes of one g hold parts.
struct RowSums {
  float low = 0.0f, high = 0.0f;
};

// Rows of 128 bytes; the halves of odd ones are exchanged, so that lanes meet other banks.
struct OneRowBf16 {
  static constexpr int kColumns = 64, kBytes = 2048, kSlotBytes = kBytes;

  // Two rows a step: 8 lanes of 16 bytes each.
  static __device__ __forceinline__ void fetch(std::byte* slot, const std::byte* from,
                                               std::int64_t row_bytes, int lane) {
    const int row = lane / 8, chunk = lane % 8;
    slot += row * 128 + (chunk ^ (row % 2 * 4)) * 16;
    from += row * row_bytes + chunk * 16;
#pragma unroll
    for (int i = 0; i < 4; ++i) copy_async_16(slot + i * 512, from + i * 4 * row_bytes);
  }
  static __device__ __forceinline__ void multiply(RowSums& sums, const std::byte* slot,
                                                  const OneRowX& x, int piece, int lane) {
    const int g = lane / 4, c = lane % 4;
    float d[2][4] = {};
    const std::byte* columns = x.x + piece * (kColumns * 2) + c * 16;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const std::byte* at = slot + g * 128 + ((i * 4 + c) ^ (g % 2 * 4)) * 16;
      const uint4 low = *reinterpret_cast<const uint4*>(at);
      const uint4 high = *reinterpret_cast<const uint4*>(at + 1024);
      const uint4 b = *reinterpret_cast<const uint4*>(columns + i * 64);
      multiply_32(d[i], {{low.x, high.x, low.y, high.y, low.z, high.z, low.w, high.w}}, b);
    }
    if (c != 0) return;  // all columns are alike
    sums.low += d[0][0] + d[1][0];
    sums.high += d[0][2] + d[1][2];
  }
};

__device__ __forceinline__ uint4 where(bool mine, const uint4& v) {
  return mine ? v : uint4{0, 0, 0, 0};
}

// d += 32 columns of 16 rows, in two sums that do not wait for each other.
__device__ __forceinline__ void multiply_group(float (&first)[4], float (&second)[4],
                                               const Operand32& a, const uint4& x, bool mine) {
  const uint4 b = where(mine, x);
  mma_bf16(first, a.a[0], a.a[1], a.a[2], a.a[3], b.x, b.y);
  mma_bf16(second, a.a[4], a.a[5], a.a[6], a.a[7], b.z, b.w);
}
__device__ __forceinline__ float sum_of_4(const float (&d)[4][4], int i) {
  return (d[0][i] + d[1][i]) + (d[2][i] + d[3][i]);
}

__device__ __forceinline__ float minus_offset(float scale, float min) {
  return fmaf(128.0f, scale, min);  // nibbles became 128 + code
}

struct OneRowInt4K {
  static constexpr int kColumns = 256, kBytes = 2432, kSlotBytes = kBytes, kBlock = 1216;

  static __device__ __forceinline__ void multiply(RowSums& sums, const std::byte* slot,
                                                  const OneRowX& x, int piece, int lane) {
    const int g = lane / 4, c = lane % 4;
    const uint4 mine = *reinterpret_cast<const uint4*>(x.x + piece * (kColumns * 2) + lane * 16);
    float d[4][4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint4 w = read_16(slot + i / 2 * kBlock, i % 2, lane);
      multiply_group(d[0], d[1], operand_of_nibbles(w.x, w.y), mine, g == 2 * i);
      multiply_group(d[2], d[3], operand_of_nibbles(w.z, w.w), mine, g == 2 * i + 1);
    }
    const std::byte* scales = slot + c / 2 * kBlock + 1024 + g * 16 + c % 2 * 4;
    const auto low = *reinterpret_cast<const std::uint32_t*>(scales);
    const auto high = *reinterpret_cast<const std::uint32_t*>(scales + 8);
    const uint2 super = *reinterpret_cast<const uint2*>(slot + c / 2 * kBlock + 1152 + g * 8);
    const float2 of_x = *reinterpret_cast<const float2*>(x.sums + piece * 8 + 2 * c);
    sums.low += two_groups(low, halves(super.x), sum_of_4(d, 0), sum_of_4(d, 1), of_x);
    sums.high += two_groups(high, halves(super.y), sum_of_4(d, 2), sum_of_4(d, 3), of_x);
  }
  static __device__ __forceinline__ float two_groups(std::uint32_t bytes, float2 super, float first,
                                                     float second, float2 of_x) {
    const float s0 = scaled_byte(super.x, bytes, 0), m0 = scaled_byte(super.y, bytes, 1);
    const float s1 = scaled_byte(super.x, bytes, 2), m1 = scaled_byte(super.y, bytes, 3);
    return fmaf(s0, first, -minus_offset(s0, m0) * of_x.x) +
           fmaf(s1, second, -minus_offset(s1, m1) * of_x.y);
  }
};

struct OneRowInt4 {
  static constexpr int kColumns = 256, kBytes = 2560, kSlotBytes = kBytes, kBlock = 640;

  static __device__ __forceinline__ void multiply(RowSums& sums, const std::byte* slot,
                                                  const OneRowX& x, int piece, int lane) {
    const int g = lane / 4, c = lane % 4;
    const uint4 mine = *reinterpret_cast<const uint4*>(x.x + piece * (kColumns * 2) + lane * 16);
    float d[4][4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint4 w = read_16(slot + i * kBlock, 0, lane);
      multiply_group(d[0], d[1], operand_of_nibbles(w.x, w.y), mine, g == 2 * i);
      multiply_group(d[2], d[3], operand_of_nibbles(w.z, w.w), mine, g == 2 * i + 1);
    }
    const uint4 scales = *reinterpret_cast<const uint4*>(slot + c * kBlock + 512 + g * 16);
    const float2 of_x = *reinterpret_cast<const float2*>(x.sums + piece * 8 + 2 * c);
    sums.low += two_groups(scales.x, scales.y, sum_of_4(d, 0), sum_of_4(d, 1), of_x);
    sums.high += two_groups(scales.z, scales.w, sum_of_4(d, 2), sum_of_4(d, 3), of_x);
  }
  static __device__ __forceinline__ float two_groups(std::uint32_t first_scale,
                                                     std::uint32_t second_scale, float first,
                                                     float second, float2 of_x) {
    const float2 a = halves(first_scale), b = halves(second_scale);
    return fmaf(a.x, first, -minus_offset(a.x, a.y) * of_x.x) +
           fmaf(b.x, second, -minus_offset(b.x, b.y) * of_x.y);
  }
};

struct OneRowInt8 {
  static constexpr int kColumns = 128, kBytes = 2176, kSlotBytes = kBytes, kBlock = 1088;

  static __device__ __forceinline__ void multiply(RowSums& sums, const std::byte* slot,
                                                  const OneRowX& x, int piece, int lane) {
    const int g = lane / 4, c = lane % 4;
    const uint4 mine =
        *reinterpret_cast<const uint4*>(x.x + piece * (kColumns * 2) + lane % 16 * 16);
    float d[4][4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i)
      multiply_group(d[i % 2 * 2], d[i % 2 * 2 + 1],
                     operand_of_bytes(read_16(slot + i / 2 * kBlock, i % 2, lane)), mine, g == i);
    if (c >= 2) return;  // 4 groups
    const uint2 scales = *reinterpret_cast<const uint2*>(slot + c * kBlock + 1024 + g * 8);
    const float2 low = halves(scales.x), high = halves(scales.y);
    sums.low += fmaf(low.x, sum_of_4(d, 0), low.y * sum_of_4(d, 1));
    sums.high += fmaf(high.x, sum_of_4(d, 2), high.y * sum_of_4(d, 3));
  }
};

template <WeightFormat kFormat>
using PieceOf = std::conditional_t<
    kFormat == WeightFormat::int4_k, OneRowInt4K,
    std::conditional_t<kFormat == WeightFormat::int4, OneRowInt4,
                       std::conditional_t<kFormat == WeightFormat::int8, OneRowInt8, OneRowBf16>>>;

}  // namespace tinyllm::cuda
