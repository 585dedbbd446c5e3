#pragma once
// One warp's share of decode attention: up to 32 rows against the positions of a group, with the
// tensor cores and an online softmax (Milakov & Gimelshein 2018).

#include "kernels/cuda/async_copy.cuh"
#include "kernels/cuda/decode_params.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda::decode {

// The state of one tile of 16 rows in one warp: lane l has rows l / 4 and l / 4 + 8.
template <int kHeadDim>
struct RowTile {
  float out[kHeadDim / 8][4];
  float max[2], sum[2];  // sum: of this lane's columns only
  int last[2];           // the last position that the row sees
};

template <int kHeadDim>
__device__ __forceinline__ void begin_rows(RowTile<kHeadDim>& tile, const Params& p,
                                           const AttentionSegment& segment, int first_row,
                                           int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = min(first_row + lane / 4 + half * 8, segment.n_rows - 1);
    tile.last[half] = segment.first_position + (segment.row_begin + row) / p.group_size;
    tile.max[half] = -INFINITY;
    tile.sum[half] = 0.0f;
  }
#pragma unroll
  for (int n = 0; n < kHeadDim / 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) tile.out[n][i] = 0.0f;
  }
}

// The address in a group's keys or values of the 16 bytes that this lane gives to ldmatrix: row t
// of the chunk that begins at dimension d.
template <int kHeadDim>
__device__ __forceinline__ const std::byte* chunk_address(const std::byte* part, int t, int d) {
  return part + kv_elem_in_group(t, d, kHeadDim) * 2;
}

// scores[j][...]: 16 rows against positions 8 j .. 8 j + 7 of the group. Two sums of half of the
// dimensions each, so that the chain of dependent products is half as long.
template <int kHeadDim, int kTiles>
__device__ __forceinline__ void multiply_keys(const Shared<kHeadDim>& shared, const std::byte* keys,
                                              int lane, float (&scores)[kTiles][2][4]) {
  float second[kTiles][2][4] = {};
  const int t = lane % 8 + lane / 16 * 8, d = lane / 8 % 2 * 8;
  const int q_t = lane % 16, q_d = lane / 16 * 8;
#pragma unroll
  for (int k = 0; k < kHeadDim / 16; ++k) {
    std::uint32_t b[4];
    load_matrices(b, chunk_address<kHeadDim>(keys, t, k * 16 + d));
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
      std::uint32_t a[4];
      load_matrices(a, chunk_address<kHeadDim>(shared.q[m], q_t, k * 16 + q_d));
      auto& sum = k % 2 == 0 ? scores[m] : second[m];
      mma_bf16(sum[0], a[0], a[1], a[2], a[3], b[0], b[1]);
      mma_bf16(sum[1], a[0], a[1], a[2], a[3], b[2], b[3]);
    }
  }
#pragma unroll
  for (int m = 0; m < kTiles; ++m) {
#pragma unroll
    for (int i = 0; i < 8; ++i) scores[m][i / 4][i % 4] += second[m][i / 4][i % 4];
  }
}

// Positions that a row must not see get -inf.
template <int kHeadDim>
__device__ __forceinline__ void mask_scores(const RowTile<kHeadDim>& tile, int first_position,
                                            int window, int lane, float (&scores)[2][4]) {
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int position = first_position + i / 4 * 8 + lane % 4 * 2 + i % 2;
    const int last = tile.last[i % 4 / 2];
    const bool seen = position <= last && (window == 0 || position > last - window);
    if (!seen) scores[i / 4][i % 4] = -INFINITY;
  }
}

__device__ __forceinline__ float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Scores become probabilities under the running maximum, packed as the A operand of the product
// with the values; what was summed under an older maximum is scaled down.
template <int kHeadDim>
__device__ __forceinline__ void online_softmax(RowTile<kHeadDim>& tile, float scale_log2,
                                               float (&scores)[2][4], std::uint32_t (&a)[4]) {
  float shrink[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float largest = fmaxf(fmaxf(scores[0][half * 2], scores[0][half * 2 + 1]),
                          fmaxf(scores[1][half * 2], scores[1][half * 2 + 1]));
    largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 2));
    const float max = fmaxf(tile.max[half], largest);
    const float origin = max == -INFINITY ? 0.0f : max * scale_log2;  // nothing seen so far
    shrink[half] = power_of_two(tile.max[half] * scale_log2 - origin);
    tile.max[half] = max;
    float sum = 0.0f;
#pragma unroll
    for (int j = 0; j < 2; ++j) {
#pragma unroll
      for (int i = half * 2; i < half * 2 + 2; ++i) {
        scores[j][i] = power_of_two(scores[j][i] * scale_log2 - origin);
        sum += scores[j][i];
      }
      a[half + j * 2] = pack_bf16(scores[j][half * 2], scores[j][half * 2 + 1]);
    }
    tile.sum[half] = tile.sum[half] * shrink[half] + sum;
  }
  if (__all_sync(~0u, shrink[0] == 1.0f && shrink[1] == 1.0f)) return;
#pragma unroll
  for (int n = 0; n < kHeadDim / 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) tile.out[n][i] *= shrink[i / 2];
  }
}

template <int kHeadDim, int kTiles>
__device__ __forceinline__ void multiply_values(RowTile<kHeadDim> (&tiles)[kTiles],
                                                const std::uint32_t (&a)[kTiles][4],
                                                const std::byte* values, int lane) {
  const int t = lane % 16, d = lane / 16 * 8;
#pragma unroll
  for (int n = 0; n < kHeadDim / 16; ++n) {
    std::uint32_t b[4];
    load_matrices_transposed(b, chunk_address<kHeadDim>(values, t, n * 16 + d));
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
      mma_bf16(tiles[m].out[2 * n], a[m][0], a[m][1], a[m][2], a[m][3], b[0], b[1]);
      mma_bf16(tiles[m].out[2 * n + 1], a[m][0], a[m][1], a[m][2], a[m][3], b[2], b[3]);
    }
  }
}

// Positions that nobody has written yet may hold anything, a NaN too, and 0 x NaN is NaN.
template <int kHeadDim>
__device__ __forceinline__ void zero_values_from(std::byte* values, int n_valid, int lane) {
  constexpr int kSlabDim = kv_slab_dim(kHeadDim);
  constexpr int kRowBytes = kSlabDim * 2;
  for (int slab = 0; slab < kHeadDim / kSlabDim; ++slab) {
    std::byte* rows = values + slab * kKvGroup * kRowBytes;
    for (int at = n_valid * kRowBytes + lane * 16; at < kKvGroup * kRowBytes; at += 512)
      *reinterpret_cast<uint4*>(rows + at) = uint4{0, 0, 0, 0};
  }
  order_before_copy_engine();
  __syncwarp();
}

template <int kHeadDim, int kTiles>
__device__ __forceinline__ void attend_to_group(RowTile<kHeadDim> (&tiles)[kTiles],
                                                const Shared<kHeadDim>& shared, const Params& p,
                                                std::byte* group, int first_position,
                                                int last_position, int first_row_position,
                                                int lane) {
  constexpr int kPartBytes = kKvGroup * kHeadDim * 2;
  float scores[kTiles][2][4] = {};
  multiply_keys<kHeadDim, kTiles>(shared, group, lane, scores);
  const bool all_seen = first_position + kKvGroup - 1 <= first_row_position &&
                        (p.window == 0 || first_position > last_position - p.window);
  std::uint32_t a[kTiles][4];
#pragma unroll
  for (int m = 0; m < kTiles; ++m) {
    if (!all_seen) mask_scores(tiles[m], first_position, p.window, lane, scores[m]);
    online_softmax(tiles[m], p.scale_log2, scores[m], a[m]);
  }
  if (first_position + kKvGroup - 1 > last_position)
    zero_values_from<kHeadDim>(group + kPartBytes, last_position + 1 - first_position, lane);
  multiply_values<kHeadDim, kTiles>(tiles, a, group + kPartBytes, lane);
}

}  // namespace tinyllm::cuda::decode
