#pragma once
// What the products of few rows share (linear_kernel.cuh, expert_kernel.cuh): where the rows of x
// are, how much of them and of the weights is under way, and how a warp's sums lie in shared memory.

#include <algorithm>

#include "kernels/cuda/weight_blocks.cuh"

namespace tinyllm::cuda {

inline constexpr int kMaxLinearWarps = 8;
inline constexpr int kColumnPitch = 20;               // floats of 16 rows in shared memory
inline constexpr int kTileFloats = 8 * kColumnPitch;  // of 16 rows and 8 columns

// Two blocks a multiprocessor leave 128 registers a thread, in which the sums of many rows and what
// unpacks their weights find no room.
template <typename Blocks, int kNTiles, int kMTiles>
constexpr int min_blocks() {
  const bool is_bf16 = Blocks::kFormat == WeightFormat::bf16;
  const int most = is_bf16 ? 8 : Blocks::kFormat == WeightFormat::int4_k ? 2 : 4;
  return kNTiles * kMTiles >= most ? 1 : 2;
}

// Rows of x where they are: in global memory, or normalised in shared memory. Rows beyond the last
// are the last once more: their results are nobody's, and one line serves all of them.
struct RowsInMemory {
  const __nv_bfloat16* x;
  std::int64_t stride;
  int g, c;  // the lane's row of 8, and its quarter
  int n;     // rows

  __device__ __forceinline__ const __nv_bfloat16* at(int tile, int column) const {
    return x + min(tile * 8 + g, n - 1) * stride + column;
  }
  __device__ __forceinline__ uint4 load(int tile, int, int column) const {
    return *reinterpret_cast<const uint4*>(at(tile, column + 8 * c));
  }
  __device__ __forceinline__ uint4 load_small(int tile, int, int column) const {
    const uint2 a = *reinterpret_cast<const uint2*>(at(tile, column + 4 * c));
    const uint2 b = *reinterpret_cast<const uint2*>(at(tile, column + 4 * c + 16));
    return {a.x, a.y, b.x, b.y};
  }
};

// Rows of x that came into a slot beside their block of weights, each lane's part in places of its
// own. Read from L2 in the middle of the loop they would be waited for: it answers late while
// weights stream.
template <typename Blocks, int kNTiles, bool kOneRow>
struct RowsInSlot {
  static constexpr int kBytes = Blocks::kColumns / 32 * kNTiles * 512;
  const std::byte* slot;
  int lane;

  template <typename X>
  static __device__ __forceinline__ void fetch(std::byte* slot, const X& x, int column, int lane) {
#pragma unroll
    for (int i = 0; i < Blocks::kColumns / 32; ++i) {
#pragma unroll
      for (int n = 0; n < kNTiles; ++n) {
        if (n * 8 + x.g >= x.n) continue;  // what is there then is nobody's, as its results are
        std::byte* place = slot + (i * kNTiles + n) * 512 + lane * 16;
        if constexpr (Blocks::kSmallGroups) {
          copy_async_8(place, x.at(n, column + 32 * i + 4 * x.c));
          copy_async_8(place + 8, x.at(n, column + 32 * i + 16 + 4 * x.c));
        } else {
          copy_async_16(place, x.at(n, column + 32 * i + 8 * x.c));
        }
      }
    }
  }
  __device__ __forceinline__ uint4 load(int n, int i, int) const {
    return read_16(slot, i * kNTiles + n, lane);
  }
  __device__ __forceinline__ uint4 load_small(int n, int i, int) const {
    return read_16(slot, i * kNTiles + n, lane);
  }
};

// One row of x alone, as it is: 16 bytes of it a lane. All 8 columns of the tensor cores get it.
template <typename Blocks>
struct RowsInSlot<Blocks, 1, true> {
  static constexpr int kBytes = Blocks::kColumns * 2;
  const std::byte* slot;
  int lane;

  template <typename X>
  static __device__ __forceinline__ void fetch(std::byte* slot, const X& x, int column, int lane) {
    if (lane < Blocks::kColumns / 8) copy_async_16(slot + lane * 16, x.at(0, column + 8 * lane));
  }
  __device__ __forceinline__ uint4 load(int, int i, int) const {
    return *reinterpret_cast<const uint4*>(slot + i * 64 + lane % 4 * 16);
  }
  __device__ __forceinline__ uint4 load_small(int, int i, int) const {
    const uint2 a = *reinterpret_cast<const uint2*>(slot + i * 64 + lane % 4 * 8);
    const uint2 b = *reinterpret_cast<const uint2*>(slot + i * 64 + lane % 4 * 8 + 32);
    return {a.x, a.y, b.x, b.y};
  }
};

// Whether rows of x come through the slots: with few rows, where there is room.
template <typename Blocks, int kNTiles, bool kNormed>
constexpr bool has_rows_in_slots() {
  return !kNormed && (kNTiles == 1 || (kNTiles == 2 && Blocks::kFormat == WeightFormat::bf16));
}

template <typename Blocks, int kNTiles, int kMTiles, bool kNormed, bool kOneRow>
constexpr int stage_bytes() {
  return kMTiles * Blocks::kSlotBytes + (has_rows_in_slots<Blocks, kNTiles, kNormed>()
                                             ? RowsInSlot<Blocks, kNTiles, kOneRow>::kBytes
                                             : 0);
}

// Blocks of a warp that are under way: about 8 KiB of each of 16 warps fill the memory's pipes.
template <typename Blocks, int kNTiles, int kMTiles, bool kNormed, bool kOneRow>
constexpr int stages() {
  return std::clamp(9216 / stage_bytes<Blocks, kNTiles, kMTiles, kNormed, kOneRow>(), 3, 8);
}

// A warp's sums to its place in shared memory: tiles of [8 rows of x][kColumnPitch].
template <int kNTiles, int kMTiles>
__device__ __forceinline__ void put_sums(float* place, const float (&d)[kMTiles][kNTiles][4],
                                         int lane) {
  const int g = lane / 4, c = lane % 4;
#pragma unroll
  for (int m = 0; m < kMTiles; ++m) {
#pragma unroll
    for (int n = 0; n < kNTiles; ++n) {
      float* tile = place + (m * kNTiles + n) * kTileFloats + 2 * c * kColumnPitch + g;
      tile[0] = d[m][n][0];
      tile[kColumnPitch] = d[m][n][1];
      tile[8] = d[m][n][2];
      tile[kColumnPitch + 8] = d[m][n][3];
    }
  }
}

__device__ __forceinline__ float silu(float x) { return x / (1.0f + __expf(-x)); }

}  // namespace tinyllm::cuda
