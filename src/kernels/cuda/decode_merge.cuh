#pragma once
// From the results of warps, and of blocks, to rows of attention's output. A partial result is the
// largest score, the sum of the powers of two under it, and the values' sum under it; two of them
// become one by scaling the smaller maximum's down.
//
//   warps of a block      through shared memory, eight rows at a time
//   blocks of a result    each writes its part and counts itself; those that are at their end
//                         wait until all are there, and each of them merges some of the columns:
//                         one block alone would take longer for it than for its part.
//
// The order of additions depends on the number of parts only. Blocks that wait are all running: the
// grid is no larger than the device (decode_plan_sizes), and nobody waits before its last segment.

#include "kernels/cuda/decode_rows.cuh"

namespace tinyllm::cuda::decode {

// Eight rows (half a tile) of this warp to shared memory.
template <int kHeadDim>
__device__ __forceinline__ void put_rows(const RowTile<kHeadDim>& tile, int half,
                                         Shared<kHeadDim>& shared, int warp, int lane) {
  float sum = half == 0 ? tile.sum[0] : tile.sum[1];
  sum += __shfl_xor_sync(~0u, sum, 1);
  sum += __shfl_xor_sync(~0u, sum, 2);
  const int row = lane / 4;
  if (lane % 4 == 0) shared.row_max_sum[warp][row] = {half == 0 ? tile.max[0] : tile.max[1], sum};
  float* to = shared.sums[warp][row] + lane % 4 * 2;
#pragma unroll
  for (int n = 0; n < kHeadDim / 8; ++n) {
    const float2 pair =
        half == 0 ? float2{tile.out[n][0], tile.out[n][1]} : float2{tile.out[n][2], tile.out[n][3]};
    *reinterpret_cast<float2*>(to + n * 8) = pair;
  }
}

__device__ __forceinline__ void add_scaled(float4& sum, float factor, const float4& x) {
  sum.x += factor * x.x;
  sum.y += factor * x.y;
  sum.z += factor * x.z;
  sum.w += factor * x.w;
}

__device__ __forceinline__ float weight_of(float max, float common_max, float scale_log2) {
  return max == -INFINITY ? 0.0f : power_of_two((max - common_max) * scale_log2);
}

// Where row r of a segment's rows goes.
template <int kHeadDim>
__device__ __forceinline__ __nv_bfloat16* out_row(const Params& p, const AttentionSegment& segment,
                                                  int kv_head, int row) {
  const int flat = segment.row_begin + row;
  const std::int64_t token = segment.first_token + flat / p.group_size;
  const int head = kv_head * p.group_size + flat % p.group_size;
  return p.out + (token * p.n_heads + head) * kHeadDim;
}

__device__ __forceinline__ void store_quotient(__nv_bfloat16* to, const float4& sum,
                                               float divisor) {
  const float inverse = 1.0f / divisor;
  *reinterpret_cast<uint2*>(to) = {pack_bf16(sum.x * inverse, sum.y * inverse),
                                   pack_bf16(sum.z * inverse, sum.w * inverse)};
}

// Row `row` of the segment: the warps' results become one, in the order of the warps.
template <int kHeadDim, int kTiles>
__device__ void merge_warps(const Params& p, const AttentionSegment& segment, int kv_head,
                            int first_row, const Shared<kHeadDim>& shared) {
  constexpr int kQuads = kHeadDim / 4;
  for (int i = threadIdx.x; i < 8 * kQuads; i += kThreads) {
    const int row = i / kQuads, quad = i % kQuads;
    if (first_row + row >= segment.n_rows) return;
    float max = -INFINITY;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) max = fmaxf(max, shared.row_max_sum[w][row].x);
    float4 out = {};
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
      const float2 of_warp = shared.row_max_sum[w][row];
      const float weight = weight_of(of_warp.x, max, p.scale_log2);
      sum += weight * of_warp.y;
      add_scaled(out, weight, *reinterpret_cast<const float4*>(&shared.sums[w][row][quad * 4]));
    }
    if (segment.part_begin < 0) {
      store_quotient(out_row<kHeadDim>(p, segment, kv_head, first_row + row) + quad * 4, out, sum);
      continue;
    }
    const std::int64_t part = segment.part_begin + segment.part_idx;
    const std::int64_t part_row = (part * p.n_kv_heads + kv_head) * (kTiles * 16) + first_row + row;
    __stcg(reinterpret_cast<float4*>(p.parts + part_row * kHeadDim + quad * 4), out);
    if (quad == 0) __stcg(p.part_sums + part_row, float2{max, sum});
  }
}

// Counts this block: what it wrote before is seen by whoever sees the count. The last of the n
// makes the counter 0 again, so the others wait for a 0, and the next launch finds one.
__device__ __forceinline__ void count_arrival(std::int32_t* counter, std::int32_t n) {
  asm volatile("red.release.gpu.global.inc.u32 [%0], %1;" ::"l"(counter), "r"(n - 1) : "memory");
}
__device__ __forceinline__ bool all_arrived(const std::int32_t* counter) {
  std::int32_t n;
  asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(n) : "l"(counter) : "memory");
  return n == 0;
}

// A partial result of eight columns of a row.
struct Partial {
  float max = -INFINITY, sum = 0.0f;
  float4 left = {}, right = {};

  __device__ __forceinline__ void scale(float factor) {
    sum *= factor;
    left = {left.x * factor, left.y * factor, left.z * factor, left.w * factor};
    right = {right.x * factor, right.y * factor, right.z * factor, right.w * factor};
  }
  __device__ __forceinline__ void add(const Partial& other, float scale_log2) {
    const float common = fmaxf(max, other.max);
    scale(weight_of(max, common, scale_log2));
    const float weight = weight_of(other.max, common, scale_log2);
    sum += weight * other.sum;
    add_scaled(left, weight, other.left);
    add_scaled(right, weight, other.right);
    max = common;
  }
  // The sum over `width` lanes (a power of two) to the first of them.
  __device__ __forceinline__ void add_lanes(int width, float scale_log2) {
    float common = max;
    for (int offset = width / 2; offset > 0; offset /= 2)
      common = fmaxf(common, __shfl_xor_sync(~0u, common, offset));
    scale(weight_of(max, common, scale_log2));
    max = common;
    float* values[] = {&sum,     &left.x,  &left.y,  &left.z, &left.w,
                       &right.x, &right.y, &right.z, &right.w};
    for (int offset = width / 2; offset > 0; offset /= 2) {
#pragma unroll
      for (float* value : values) *value += __shfl_xor_sync(~0u, *value, offset);
    }
  }
};

// This block's columns of the merged result. Lanes are parts, neighbours of them.
template <int kHeadDim, int kTiles>
__device__ void merge_columns(const Params& p, const AttentionSegment& segment, int kv_head,
                              int merger_idx, int n_mergers) {
  constexpr int kColumns = kHeadDim / 8;  // of eight elements, of a row
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int width = 1;
  while (width < segment.n_parts && width < 32) width *= 2;
  const std::int64_t stride = std::int64_t{p.n_kv_heads} * (kTiles * 16);
  const std::int64_t first =
      (std::int64_t{segment.part_begin} * p.n_kv_heads + kv_head) * (kTiles * 16);
  const int n_columns = segment.n_rows * kColumns, at_once = 32 / width;
  for (int begin = (merger_idx * kWarps + warp) * at_once; begin < n_columns;
       begin += n_mergers * kWarps * at_once) {
    const int column = begin + lane / width;
    const int row = min(column, n_columns - 1) / kColumns, in_row = column % kColumns;
    Partial all;
    for (int part = lane % width; part < segment.n_parts; part += width) {
      const std::int64_t part_row = first + row + part * stride;
      const float2 max_sum = __ldcg(p.part_sums + part_row);
      const auto* values =
          reinterpret_cast<const float4*>(p.parts + part_row * kHeadDim + in_row * 8);
      all.add({max_sum.x, max_sum.y, __ldcg(values), __ldcg(values + 1)}, p.scale_log2);
    }
    all.add_lanes(width, p.scale_log2);
    if (lane % width != 0 || column >= n_columns) continue;
    __nv_bfloat16* to = out_row<kHeadDim>(p, segment, kv_head, row) + in_row * 8;
    store_quotient(to, all.left, all.sum);
    store_quotient(to + 4, all.right, all.sum);
  }
}

template <int kHeadDim, int kTiles>
__device__ void merge_parts(const Params& p, const AttentionSegment& segment, int kv_head) {
  __syncthreads();  // the block's part is written
  std::int32_t* counter = p.counters + segment.merge_idx * p.n_kv_heads + kv_head;
  if (threadIdx.x == 0) {
    count_arrival(counter, segment.n_parts);
    while (segment.merger >= 0 && !all_arrived(counter)) __nanosleep(20);
  }
  if (segment.merger < 0) return;
  __syncthreads();
  merge_columns<kHeadDim, kTiles>(p, segment, kv_head, segment.merger % kMaxMergers,
                                  segment.merger / kMaxMergers);
}

// All rows of the segment, from the warps' tiles.
template <int kHeadDim, int kTiles>
__device__ void finish_segment(const Params& p, const AttentionSegment& segment, int kv_head,
                               const RowTile<kHeadDim> (&tiles)[kTiles], Shared<kHeadDim>& shared,
                               int warp, int lane) {
#pragma unroll
  for (int half = 0; half < kTiles * 2; ++half) {
    if (half * 8 >= segment.n_rows) break;
    __syncthreads();  // the merge before this one has read its rows
    put_rows<kHeadDim>(tiles[half / 2], half % 2, shared, warp, lane);
    __syncthreads();
    merge_warps<kHeadDim, kTiles>(p, segment, kv_head, half * 8, shared);
  }
  if (segment.part_begin >= 0) merge_parts<kHeadDim, kTiles>(p, segment, kv_head);
}

}  // namespace tinyllm::cuda::decode
