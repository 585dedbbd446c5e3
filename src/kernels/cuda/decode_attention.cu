// Decode attention over K/V pages.
//
// Bytes moved: keys and values of every position once, 4 head_dim bytes a position and K/V head;
// queries, results and parts are small beside them. Floor: these bytes / read bandwidth, e.g. 7B
// (4 K/V heads of 128) at 32k positions: 67 MB, 14.5 us a layer at 4.62 TB/s.
//
// One block a multiprocessor stays for the whole kernel: block (h, s) goes through the segments
// of slot s of the plan (attention_plan.h) for K/V head h. All query heads of the K/V head are the
// rows of one tile of the tensor cores (16 rows, of which group_size are used: the memory is the
// limit, so the empty rows cost nothing).
//
//   segment's groups of 16 positions:   0 1 2 3 4 5 6 7 | 8 9 ...
//   read by warp                        0 1 2 3 4 5 6 7 | 0 1 ...
//
// Each warp has a ring of its own (async_copy.cuh) and a softmax of its own (Milakov & Gimelshein
// 2018), so no warp waits for another until the segment ends. Then the eight results are merged
// through shared memory; the rings meanwhile fill with the next segment's positions. A result that
// several slots have parts of is merged by the block that comes last, parts ascending: whoever that
// is, the bits are the same.
//
// Measured: see docs/gpu.md.

#include <cuda_runtime.h>

#include "base/check.h"
#include "kernels/cuda/async_copy.cuh"
#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/kv_layout.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * 32;
constexpr float kLog2E = 1.4426950408889634f;

struct Params {
  const __nv_bfloat16* pages;
  const std::int32_t* blocks;
  const AttentionSegment* segments;
  const std::int32_t* slot_starts;
  float* parts;
  float2* part_sums;
  std::int32_t* counters;
  const __nv_bfloat16* q;
  __nv_bfloat16* out;
  std::int32_t n_heads, n_kv_heads, group_size;
  std::int32_t groups_per_block;  // block_size / 16
  std::int32_t window;
  float scale_log2;  // scale * log2(e): the softmax is one of powers of two
};

// Bytes of shared memory that the rings may take: what is left goes to the merge of warps.
constexpr int stages_of(int head_dim) {
  const int bytes = kWarps * kv_group_elems(head_dim) * 2;
  const int n = 192 * 1024 / bytes;
  return n > 8 ? 8 : n;
}

template <int kHeadDim>
struct Shared {
  static constexpr int kGroupBytes = kv_group_elems(kHeadDim) * 2;
  static constexpr int kStages = stages_of(kHeadDim);
  static constexpr int kRowStride = kHeadDim + 4;  // f32; + 4: rows fall into different banks
  std::byte rings[kWarps][kStages * kGroupBytes];
  union {                                 // one after the other:
    std::byte q[2][kKvGroup * kHeadDim * 2];  // the tiles' queries, laid out like a group's keys
    float sums[kWarps][8][kRowStride];    // 8 rows of each warp's result at a time
  };
  float2 row_max_sum[kWarps][8];
  std::uint64_t barriers[kWarps][kStages];
  std::int32_t is_last;
};

// The groups of a slot that one warp reads, in order, over all segments. Blocks of the next 32 are
// looked up at once, one a lane.
struct Cursor {
  const Params& p;
  int lane, kv_head;
  int segment_idx, segment_end;
  int group, group_end = 0, first_position = 0, block_begin = 0;
  int ahead = 32;  // of the 32 blocks that were looked up
  int looked_up = 0;

  __device__ Cursor(const Params& params, int slot, int head, int warp, int lane_idx)
      : p(params), lane(lane_idx), kv_head(head) {
    segment_idx = p.slot_starts[slot] - 1;
    segment_end = p.slot_starts[slot + 1];
    group = 0;
    enter_next(warp);
  }

  __device__ bool done() const { return segment_idx >= segment_end; }
  // Whether the group holds positions of this step, which the kernel before this one writes.
  __device__ bool is_new() const { return (group + 1) * kKvGroup > first_position; }

  __device__ void enter_next(int warp) {
    do {
      if (++segment_idx >= segment_end) return;
      const AttentionSegment& segment = p.segments[segment_idx];
      group = segment.group_begin + warp;
      group_end = segment.group_end;
      first_position = segment.first_position;
      block_begin = segment.block_begin;
    } while (group >= group_end);
    ahead = 32;
  }

  // The address of the current group; moves on to the next.
  __device__ const __nv_bfloat16* take(int group_elems, int warp) {
    if (ahead == 32) {
      const int wanted = group + lane * kWarps;
      looked_up = wanted < group_end ? p.blocks[block_begin + wanted / p.groups_per_block] : 0;
      ahead = 0;
    }
    const std::int64_t block = __shfl_sync(~0u, looked_up, ahead++);
    const std::int64_t head_start = (block * p.n_kv_heads + kv_head) * p.groups_per_block;
    const __nv_bfloat16* address =
        p.pages + (head_start + group % p.groups_per_block) * group_elems;
    group += kWarps;
    if (group >= group_end) enter_next(warp);
    return address;
  }
};

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

// The queries of a segment's rows on their way to shared memory: chunks of 16 bytes, zeros behind
// the last row. Fetched while the segment before is computed.
template <int kHeadDim, int kTiles>
struct Queries {
  static constexpr int kChunks = kHeadDim / 8;
  static constexpr int kAThread = (kTiles * 16 * kChunks + kThreads - 1) / kThreads;
  uint4 values[kAThread];

  __device__ __forceinline__ void fetch(const Params& p, const AttentionSegment& segment,
                                        int kv_head) {
#pragma unroll
    for (int n = 0; n < kAThread; ++n) {
      const int i = threadIdx.x + n * kThreads, row = i / kChunks;
      values[n] = uint4{0, 0, 0, 0};
      if (row >= segment.n_rows) continue;
      const int flat = segment.row_begin + row;
      const std::int64_t token = segment.first_token + flat / p.group_size;
      const int head = kv_head * p.group_size + flat % p.group_size;
      values[n] = *reinterpret_cast<const uint4*>(p.q + (token * p.n_heads + head) * kHeadDim +
                                                  i % kChunks * 8);
    }
  }

  __device__ __forceinline__ void store(Shared<kHeadDim>& shared) const {
    __syncthreads();  // the merge of the segment before has been read
#pragma unroll
    for (int n = 0; n < kAThread; ++n) {
      const int i = threadIdx.x + n * kThreads, row = i / kChunks;
      if (row >= kTiles * 16) break;
      *reinterpret_cast<uint4*>(shared.q[row / 16] +
                                kv_elem_in_group(row % 16, i % kChunks * 8, kHeadDim) * 2) =
          values[n];
    }
    __syncthreads();
  }
};

// The address in a group's keys or values of the 16 bytes that this lane gives to ldmatrix: row t
// of the chunk that begins at dimension d.
template <int kHeadDim>
__device__ __forceinline__ const std::byte* chunk_address(const std::byte* part, int t, int d) {
  return part + kv_elem_in_group(t, d, kHeadDim) * 2;
}

// scores[j][...]: 16 rows against positions 8 j .. 8 j + 7 of the group. Two sums of half of the
// dimensions each, so that the chain of dependent products is half as long.
template <int kHeadDim, int kTiles>
__device__ __forceinline__ void multiply_keys(const Shared<kHeadDim>& shared,
                                              const std::byte* keys, int lane,
                                              float (&scores)[kTiles][2][4]) {
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
__device__ __noinline__ void zero_values_from(std::byte* values, int n_valid, int lane) {
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

// Eight rows (half a tile) of this warp to shared memory.
template <int kHeadDim>
__device__ __forceinline__ void put_rows(const RowTile<kHeadDim>& tile, int half,
                                         Shared<kHeadDim>& shared, int warp, int lane) {
  float sum = half == 0 ? tile.sum[0] : tile.sum[1];
  sum += __shfl_xor_sync(~0u, sum, 1);
  sum += __shfl_xor_sync(~0u, sum, 2);
  const int row = lane / 4;
  if (lane % 4 == 0)
    shared.row_max_sum[warp][row] = {half == 0 ? tile.max[0] : tile.max[1], sum};
  float* to = shared.sums[warp][row] + lane % 4 * 2;
#pragma unroll
  for (int n = 0; n < kHeadDim / 8; ++n) {
    const float2 pair = half == 0 ? float2{tile.out[n][0], tile.out[n][1]}
                                  : float2{tile.out[n][2], tile.out[n][3]};
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

__device__ __forceinline__ void store_quotient(__nv_bfloat16* to, const float4& sum, float divisor) {
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
    const std::int64_t part_row =
        (part * p.n_kv_heads + kv_head) * (kTiles * 16) + first_row + row;
    __stcg(reinterpret_cast<float4*>(p.parts + part_row * kHeadDim + quad * 4), out);
    if (quad == 0) __stcg(p.part_sums + part_row, float2{max, sum});
  }
}

// Some parts of four elements of a row: all loads at once, because each takes long.
template <int n>
struct PartBatch {
  float4 values[n];
  float max[n];
};

template <int n>
__device__ __forceinline__ void fetch_parts(PartBatch<n>& batch, const float* values,
                                            const float2* sums, std::int64_t sum_stride,
                                            std::int64_t value_stride, int from, int n_parts) {
#pragma unroll
  for (int i = 0; i < n; ++i) {
    const bool is_there = from + i < n_parts;
    batch.max[i] = is_there ? __ldcg(sums + (from + i) * sum_stride).x : -INFINITY;
    batch.values[i] =
        is_there ? __ldcg(reinterpret_cast<const float4*>(values + (from + i) * value_stride))
                 : float4{};
  }
}

// rows[r] = the largest score of row r in all parts, and the sum under it. One warp a row, one lane
// a part.
__device__ __forceinline__ void find_row_sums(const Params& p, const AttentionSegment& segment,
                                              std::int64_t first, std::int64_t stride,
                                              float2* rows) {
  const int lane = threadIdx.x % 32;
  for (int row = threadIdx.x / 32; row < segment.n_rows; row += kWarps) {
    const float2* sums = p.part_sums + first + row;
    float max = -INFINITY, sum = 0.0f;
    for (int part = lane; part < segment.n_parts; part += 32) {
      const float2 of_part = __ldcg(sums + part * stride);
      const float now = fmaxf(max, of_part.x);
      sum = sum * weight_of(max, now, p.scale_log2) +
            of_part.y * weight_of(of_part.x, now, p.scale_log2);
      max = now;
    }
    float common = max;
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2)
      common = fmaxf(common, __shfl_xor_sync(~0u, common, offset));
    sum *= weight_of(max, common, p.scale_log2);
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
    if (lane == 0) rows[row] = {common, sum};
  }
  __syncthreads();
}

// The block that finishes a result's last part merges them all, in their order.
template <int kHeadDim, int kTiles>
__device__ void merge_parts(const Params& p, const AttentionSegment& segment, int kv_head,
                            Shared<kHeadDim>& shared) {
  constexpr int kQuads = kHeadDim / 4;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    std::int32_t* counter = p.counters + segment.merge_idx * p.n_kv_heads + kv_head;
    shared.is_last = atomicAdd(counter, 1) == segment.n_parts - 1;
    if (shared.is_last) *counter = 0;
    __threadfence();
  }
  __syncthreads();
  if (!shared.is_last) return;
  const std::int64_t stride = std::int64_t{p.n_kv_heads} * (kTiles * 16);
  const std::int64_t first = (std::int64_t{segment.part_begin} * p.n_kv_heads + kv_head) *
                             (kTiles * 16);
  // The first parts are on their way while the rows' maxima are found.
  constexpr int kParts = kTiles * kHeadDim <= 128 ? 16 : kHeadDim <= 128 ? 4 : 2;
  PartBatch<kParts> batch;
  const int n_items = segment.n_rows * kQuads;
  const auto fetch = [&](int item, int from) {
    const std::int64_t row = first + item / kQuads;
    fetch_parts(batch, p.parts + row * kHeadDim + item % kQuads * 4, p.part_sums + row, stride,
                stride * kHeadDim, from, segment.n_parts);
  };
  if (static_cast<int>(threadIdx.x) < n_items) fetch(threadIdx.x, 0);
  find_row_sums(p, segment, first, stride, shared.row_max_sum[0]);
  for (int item = threadIdx.x; item < n_items; item += kThreads) {
    const float2 row = shared.row_max_sum[0][item / kQuads];  // [kWarps * 8] rows in all
    float4 out = {};
    for (int from = 0; from < segment.n_parts; from += kParts) {
      if (item != static_cast<int>(threadIdx.x) || from > 0) fetch(item, from);
#pragma unroll
      for (int i = 0; i < kParts; ++i)
        add_scaled(out, weight_of(batch.max[i], row.x, p.scale_log2), batch.values[i]);
    }
    store_quotient(out_row<kHeadDim>(p, segment, kv_head, item / kQuads) + item % kQuads * 4, out,
                   row.y);
  }
}

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
  if (segment.part_begin >= 0) merge_parts<kHeadDim, kTiles>(p, segment, kv_head, shared);
}

template <int kHeadDim, int kTiles>
__global__ __launch_bounds__(kThreads, 1) void decode_attention_kernel(const Params p) {
  extern __shared__ __align__(128) std::byte memory[];
  auto& shared = *reinterpret_cast<Shared<kHeadDim>*>(memory);
  constexpr int kStages = Shared<kHeadDim>::kStages;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int kv_head = blockIdx.x, slot = blockIdx.y;
  WarpRing<Shared<kHeadDim>::kGroupBytes, kStages> ring(shared.rings[warp], shared.barriers[warp],
                                                        lane);
  Cursor cursor(p, slot, kv_head, warp, lane);
  bool waited = false;
  for (int i = 0; i < kStages; ++i) {
    if (cursor.done()) {
      ring.fetch(nullptr);
      continue;
    }
    if (!waited && cursor.is_new()) {
      wait_for_previous_kernel();
      waited = true;
    }
    ring.fetch(cursor.take(kv_group_elems(kHeadDim), warp));
  }
  if (!waited) wait_for_previous_kernel();
  let_next_kernel_start();

  const int segment_end = p.slot_starts[slot + 1];
  int s = p.slot_starts[slot];
  if (s == segment_end) return;
  AttentionSegment segment = p.segments[s];
  constexpr bool kFetchAhead = kTiles * kHeadDim <= 128;  // others have no registers for it
  Queries<kHeadDim, kTiles> queries;
  if (kFetchAhead) queries.fetch(p, segment, kv_head);
  while (true) {
    RowTile<kHeadDim> tiles[kTiles];
#pragma unroll
    for (int m = 0; m < kTiles; ++m) begin_rows(tiles[m], p, segment, m * 16, lane);
    if (!kFetchAhead) queries.fetch(p, segment, kv_head);
    queries.store(shared);
    const bool more = ++s < segment_end;
    if (kFetchAhead && more) queries.fetch(p, p.segments[s], kv_head);
    const int first_row_position = segment.first_position + segment.row_begin / p.group_size;
    const int last_position =
        segment.first_position + (segment.row_begin + segment.n_rows - 1) / p.group_size;
    for (int group = segment.group_begin + warp; group < segment.group_end; group += kWarps) {
      std::byte* data = ring.wait();
      attend_to_group<kHeadDim, kTiles>(tiles, shared, p, data, group * kKvGroup, last_position,
                                        first_row_position, lane);
      ring.release();
      ring.fetch(cursor.done() ? nullptr : cursor.take(kv_group_elems(kHeadDim), warp));
    }
    finish_segment<kHeadDim, kTiles>(p, segment, kv_head, tiles, shared, warp, lane);
    if (!more) break;
    segment = p.segments[s];
  }
}

template <int kHeadDim, int kTiles>
void launch_tiles(const DeviceContext& context, const Params& params, std::int32_t n_slots) {
  const LaunchShape shape = {.grid = dim3(static_cast<unsigned>(params.n_kv_heads),
                                          static_cast<unsigned>(n_slots)),
                             .block = dim3(kThreads),
                             .shared_bytes = sizeof(Shared<kHeadDim>)};
  launch(context, "decode attention", decode_attention_kernel<kHeadDim, kTiles>, shape, params);
}

template <int kHeadDim>
void launch_head_dim(const DeviceContext& context, const Params& params,
                     const DecodePlanView& plan) {
  if constexpr (kHeadDim <= 128) {
    if (plan.max_rows == 32) return launch_tiles<kHeadDim, 2>(context, params, plan.n_slots);
  }
  CHECK(plan.max_rows == 16, "{} rows a segment, head_dim {}", plan.max_rows, kHeadDim);
  launch_tiles<kHeadDim, 1>(context, params, plan.n_slots);
}

}  // namespace

bool has_decode_attention(std::int32_t head_dim) {
  return head_dim == 32 || head_dim == 64 || head_dim == 128 || head_dim == 256;
}

AttentionPlanSizes decode_plan_sizes(const DeviceContext& context, const AttentionShape& shape,
                                     std::int32_t max_rows) {
  return {.n_slots = std::max(context.n_sms() / shape.n_kv_heads, 1),
          .group_size = shape.group_size(),
          .max_rows = shape.head_dim > 128 ? 16 : max_rows,
          .window = shape.window,
          .step_groups = kWarps,
          .split_groups = 0};
}

void launch_decode_attention(const DeviceContext& context, const AttentionShape& shape,
                             const KvView& kv, const DecodePlanView& plan, const __nv_bfloat16* q,
                             __nv_bfloat16* out) {
  const Params params = {.pages = kv.pages,
                         .blocks = kv.blocks,
                         .segments = plan.segments,
                         .slot_starts = plan.slot_starts,
                         .parts = plan.parts,
                         .part_sums = plan.part_sums,
                         .counters = plan.counters,
                         .q = q,
                         .out = out,
                         .n_heads = shape.n_heads,
                         .n_kv_heads = shape.n_kv_heads,
                         .group_size = shape.group_size(),
                         .groups_per_block = kv.block_size / kKvGroup,
                         .window = shape.window,
                         .scale_log2 = shape.scale * kLog2E};
  CHECK(kv.block_size % kKvGroup == 0, "blocks of {} positions", kv.block_size);
  switch (shape.head_dim) {
    case 32: return launch_head_dim<32>(context, params, plan);
    case 64: return launch_head_dim<64>(context, params, plan);
    case 128: return launch_head_dim<128>(context, params, plan);
    case 256: return launch_head_dim<256>(context, params, plan);
    default: CHECK(false, "decode attention has no code for head_dim {}", shape.head_dim);
  }
}

}  // namespace tinyllm::cuda
