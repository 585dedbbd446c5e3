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
// through shared memory (decode_merge.cuh); the rings meanwhile fill with the next segment's
// positions.
//
// Measured on an H200 on 2026-11-29, share of the same run's read bandwidth (4.66 TB/s): 128
// sequences of 1024, 7B: 92 %; 256 of 100 to 2048, Qwen3-0.6B: 93 %; 32 of 1024, 7B: 84 %; 256 of
// 256, 0.5B: 45 %. One sequence of 32768, 7B: 68 %, 21.0 us, of which 3.1 are what one of 128
// takes. Fixed splits of 512 positions cost 14 % there, 11 % in the ragged batch, 31 % with 128 of
// 1024. docs/gpu.md.

#include <cuda_runtime.h>

#include "base/check.h"
#include "kernels/cuda/async_copy.cuh"
#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/decode_cursor.cuh"
#include "kernels/cuda/decode_merge.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {
namespace {

using namespace decode;

constexpr float kLog2E = 1.4426950408889634f;

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

template <int kHeadDim, int kTiles>
__global__ __launch_bounds__(kThreads, 1) void decode_attention_kernel(const Params p) {
  extern __shared__ __align__(128) std::byte memory[];
  using Memory = Shared<kHeadDim>;
  auto& shared = *reinterpret_cast<Memory*>(memory);
  constexpr int kStages = Memory::kStages;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int kv_head = blockIdx.x, slot = blockIdx.y;
  let_next_kernel_start();
  WarpRing<Memory::kGroupBytes, kStages> ring(shared.rings[warp], shared.barriers[warp], lane);
  Cursor cursor(p, slot, kv_head, warp, lane);
  const auto fetch = [&] {
    ring.fetch(cursor.done() ? nullptr : cursor.take(kv_group_elems(kHeadDim)));
  };
  const int segment_end = p.slot_starts[slot + 1];
  int s = p.slot_starts[slot];
  AttentionSegment segment;
  SegmentWords next;
  if (s < segment_end) segment = p.segments[s];
  next.load(p.segments, s + 1, segment_end, lane);
  bool waited = false;
  for (int i = 0; i < kStages; ++i) {
    if (!waited && !cursor.done() && cursor.is_new()) {
      wait_for_previous_kernel();
      waited = true;
    }
    fetch();
  }
  if (!waited) wait_for_previous_kernel();
  if (s == segment_end) return;
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
    if (kFetchAhead && more) queries.fetch(p, next.whole(), kv_head);
    const int first_row_position = segment.first_position + segment.row_begin / p.group_size;
    const int last_position =
        segment.first_position + (segment.row_begin + segment.n_rows - 1) / p.group_size;
    for (int group = segment.group_begin + warp; group < segment.group_end; group += kWarps) {
      std::byte* data = ring.wait();
      attend_to_group(tiles, shared, p, data, group * kKvGroup, last_position, first_row_position,
                      lane);
      ring.release();
      fetch();
    }
    finish_segment(p, segment, kv_head, tiles, shared, warp, lane);
    if (!more) break;
    segment = next.whole();
    next.load(p.segments, s + 1, segment_end, lane);
  }
}

template <int kHeadDim, int kTiles>
void launch_tiles(const DeviceContext& context, const Params& params, std::int32_t n_slots) {
  static_assert(sizeof(Shared<kHeadDim>) <= 227 * 1024);
  const LaunchShape shape = {
      .grid = dim3(static_cast<unsigned>(params.n_kv_heads), static_cast<unsigned>(n_slots)),
      .block = dim3(kThreads),
      .shared_bytes = sizeof(Shared<kHeadDim>)};
  launch(context, "decode attention", decode_attention_kernel<kHeadDim, kTiles>, shape, params);
}

template <int kHeadDim>
void launch_head_dim(const DeviceContext& context, const Params& params,
                     const DecodePlanView& plan) {
  if (plan.max_rows == 32) return launch_tiles<kHeadDim, 2>(context, params, plan.n_slots);
  CHECK(plan.max_rows == 16, "{} rows a segment", plan.max_rows);
  launch_tiles<kHeadDim, 1>(context, params, plan.n_slots);
}

}  // namespace

bool has_decode_attention(std::int32_t head_dim) {
  return head_dim == 32 || head_dim == 64 || head_dim == 128;
}

AttentionPlanSizes decode_plan_sizes(const DeviceContext& context, const AttentionShape& shape,
                                     std::int32_t max_rows) {
  return {.n_slots = std::max(context.n_sms() / shape.n_kv_heads, 1),
          .group_size = shape.group_size(),
          .max_rows = max_rows,
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
    default: CHECK(false, "decode attention has no code for head_dim {}", shape.head_dim);
  }
}

}  // namespace tinyllm::cuda
