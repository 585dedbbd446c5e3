// Prefill attention over K/V pages: FlashAttention-3's scheme (Shah et al. 2024) in its plain form.
//
// Operations: 4 head_dim for each query head and pair (token, position that it sees). 7B, 2048
// tokens from position 0: 30 GFLOP a layer, 38 us at 790 TFLOP/s. Bytes are small beside that.
//
// A block has 128 rows of one K/V head: all its query heads of 128 / group_size tokens, so that
// keys and values are read once for the whole group. It goes through the positions in tiles of 128
// up to the last that its rows see (causal tiles behind are never touched):
//
//   warpgroup 0   a warp that copies: pages -> shared memory, two tiles ahead
//   warpgroup 1   rows  0 .. 63       S = Q K^T (64 x 128), softmax in registers, O += P V
//   warpgroup 2   rows 64 .. 127      the same
//
// While the tensor cores do S of tile j + 1 and O of tile j, the other warpgroup's softmax uses the
// rest of the multiprocessor. A page's 16 positions of 64 dimensions are 2 KB that already lie as
// wgmma wants them (kv_layout.h): every copy is one bulk instruction, no index arithmetic a row.
//
// Measured on an H200 on 2026-11-29: 7B, 2048 tokens: 80 us a layer, 374 TFLOP/s; 8192: 499
// TFLOP/s; 0.5B (head_dim 64), 2048: 279; 8192: 407. docs/gpu.md.

#include <cuda_runtime.h>

#include "base/check.h"
#include "kernels/cuda/async_copy.cuh"
#include "kernels/cuda/kv_layout.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/prefill_attention.h"
#include "kernels/cuda/wgmma.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kTile = 128;  // positions
constexpr int kGroups = kTile / kKvGroup;
constexpr int kStages = 2;
constexpr int kConsumers = 2;  // warpgroups
constexpr int kThreads = (1 + kConsumers) * 128;
constexpr int kPieceBytes = kKvGroup * 64 * 2;  // one slab of a group's keys or values
constexpr int kSlabBytes = kTile * 64 * 2;      // of a tile in shared memory
constexpr float kLog2E = 1.4426950408889634f;

struct Params {
  const __nv_bfloat16* pages;
  const std::int32_t* blocks;
  const PrefillTile* tiles;
  const __nv_bfloat16* q;
  __nv_bfloat16* out;
  std::int32_t n_heads, n_kv_heads, group_size, groups_per_block, window;
  float scale_log2;
};

template <int kHeadDim>
struct alignas(1024) Shared {
  static constexpr int kSlabs = kHeadDim / 64;
  std::byte q[kSlabs * kSlabBytes];
  std::byte keys[kStages][kSlabs * kSlabBytes];
  std::byte values[kStages][kSlabs * kSlabBytes];
  std::uint64_t keys_full[kStages], values_full[kStages];
  std::uint64_t keys_free[kStages], values_free[kStages];
};

// What a block works on.
struct Work {
  PrefillTile tile;
  int kv_head, first_position, last_position;  // of its rows
  int first_tile, end_tile;                    // of positions

  __device__ Work(const Params& p, int tile_idx, int head)
      : tile(p.tiles[tile_idx]), kv_head(head) {
    first_position = tile.first_position + tile.row_begin / p.group_size;
    last_position = tile.first_position + (tile.row_begin + tile.n_rows - 1) / p.group_size;
    first_tile = p.window > 0 ? max(first_position - p.window + 1, 0) / kTile : 0;
    end_tile = last_position / kTile + 1;
  }
  // Element of row r's head in q and out.
  template <int kHeadDim>
  __device__ std::int64_t row_start(const Params& p, int row) const {
    const int flat = tile.row_begin + row;
    const std::int64_t token = tile.first_token + flat / p.group_size;
    return (token * p.n_heads + kv_head * p.group_size + flat % p.group_size) * kHeadDim;
  }
};

// The copying warp: each lane copies one piece (a group's slab) of the tile's keys, then values.
template <int kHeadDim>
__device__ void copy_tiles(const Params& p, const Work& work, Shared<kHeadDim>& shared, int lane) {
  constexpr int kSlabs = Shared<kHeadDim>::kSlabs;
  const int n_groups = (work.tile.n_positions + kKvGroup - 1) / kKvGroup;
  const int slab = lane / kGroups, in_tile = lane % kGroups;
  int n = 0;
  for (int j = work.first_tile; j < work.end_tile; ++j, ++n) {
    const int stage = n % kStages;
    const std::uint32_t free_parity = n / kStages % 2 ^ 1;
    const int group = j * kGroups + in_tile;
    const bool wanted = slab < kSlabs && group < n_groups;
    const std::uint32_t n_bytes =
        static_cast<std::uint32_t>(min(n_groups - j * kGroups, kGroups) * kSlabs * kPieceBytes);
    const std::byte* source = nullptr;
    if (wanted) {
      const std::int64_t block = p.blocks[work.tile.block_begin + group / p.groups_per_block];
      const std::int64_t head_start = (block * p.n_kv_heads + work.kv_head) * p.groups_per_block;
      source = reinterpret_cast<const std::byte*>(
                   p.pages + (head_start + group % p.groups_per_block) * kv_group_elems(kHeadDim)) +
               slab * kPieceBytes;
    }
    const int target = slab * kSlabBytes + in_tile * kPieceBytes;
    wait_barrier(shared.keys_free + stage, free_parity);
    if (lane == 0) expect_bytes(shared.keys_full + stage, n_bytes);
    __syncwarp();
    if (wanted)
      copy_bulk(shared.keys[stage] + target, source, kPieceBytes, shared.keys_full + stage);
    wait_barrier(shared.values_free + stage, free_parity);
    if (lane == 0) expect_bytes(shared.values_full + stage, n_bytes);
    __syncwarp();
    if (wanted)
      copy_bulk(shared.values[stage] + target, source + kSlabs * kPieceBytes, kPieceBytes,
                shared.values_full + stage);
  }
}

// The 128 threads of one consumer.
__device__ __forceinline__ void sync_warpgroup(int consumer) {
  asm volatile("bar.sync %0, 128;" ::"r"(consumer + 1) : "memory");
}

__device__ __forceinline__ float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

template <int kHeadDim>
__device__ void load_queries(const Params& p, const Work& work, Shared<kHeadDim>& shared,
                             int consumer, int thread) {
  constexpr int kChunks = kHeadDim / 8;
  for (int i = thread; i < 64 * kChunks; i += 128) {
    const int row = consumer * 64 + i / kChunks, chunk = i % kChunks;
    uint4 values = {0, 0, 0, 0};
    if (row < work.tile.n_rows)
      values = *reinterpret_cast<const uint4*>(p.q + work.row_start<kHeadDim>(p, row) + chunk * 8);
    const int place = (chunk % 8) ^ (row % 8);
    *reinterpret_cast<uint4*>(shared.q + chunk / 8 * kSlabBytes + row * 128 + place * 16) = values;
  }
  order_before_copy_engine();
  sync_warpgroup(consumer);
}

template <int kHeadDim>
struct Rows {
  float scores[64];  // 64 rows x 128 positions
  float out[kHeadDim / 2];
  std::uint32_t weights[8][4];  // the scores' powers in bf16, as eight a operands
  float max[2] = {-INFINITY, -INFINITY}, sum[2] = {0.0f, 0.0f}, shrink[2];
  int last[2];  // the last position that the row sees
};

template <int kHeadDim>
__device__ __forceinline__ void start_scores(Rows<kHeadDim>& rows, const Shared<kHeadDim>& shared,
                                             int stage, int consumer) {
  const std::uint32_t q = shared_address(shared.q) + consumer * 64 * 128;
  const std::uint32_t keys = shared_address(shared.keys[stage]);
  pin_registers(rows.scores);
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < kHeadDim / 16; ++k) {
    const std::uint32_t offset = k / 4 * kSlabBytes + k % 4 * 32;
    wgmma_ss(rows.scores, matrix_descriptor(q + offset, 16, 1024),
             matrix_descriptor(keys + offset, 16, 1024), k > 0);
  }
  wgmma_commit();
}

template <int kHeadDim>
__device__ __forceinline__ void start_out(Rows<kHeadDim>& rows, const Shared<kHeadDim>& shared,
                                          int stage) {
  const std::uint32_t values = shared_address(shared.values[stage]);
  pin_registers(rows.out);
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < kTile / 16; ++k) {
    const std::uint64_t b = matrix_descriptor(values + k * 16 * 128, kSlabBytes, 1024);
    if constexpr (kHeadDim == 128) {
      wgmma_rs_n128(rows.out, rows.weights[k], b);
    } else {
      wgmma_rs_n64(rows.out, rows.weights[k], b);
    }
  }
  wgmma_commit();
}

template <int kHeadDim>
__device__ __forceinline__ void mask_scores(Rows<kHeadDim>& rows, int first_position, int window,
                                            int lane) {
#pragma unroll
  for (int i = 0; i < 64; ++i) {
    const int position = first_position + i / 4 * 8 + lane % 4 * 2 + i % 2;
    const int last = rows.last[i % 4 / 2];
    if (position > last || (window > 0 && position <= last - window)) rows.scores[i] = -INFINITY;
  }
}

// Scores become powers of two under the running maximum; shrink: what older sums are scaled by.
template <int kHeadDim>
__device__ __forceinline__ void online_softmax(Rows<kHeadDim>& rows, float scale_log2) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float largest = rows.max[half];
#pragma unroll
    for (int i = 0; i < 32; ++i)
      largest = fmaxf(largest, rows.scores[i / 2 * 4 + half * 2 + i % 2]);
    largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 2));
    const float origin = largest == -INFINITY ? 0.0f : largest * scale_log2;
    rows.shrink[half] = power_of_two(rows.max[half] * scale_log2 - origin);
    rows.max[half] = largest;
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < 32; ++i) {
      float& score = rows.scores[i / 2 * 4 + half * 2 + i % 2];
      score = power_of_two(score * scale_log2 - origin);
      sum += score;
    }
    rows.sum[half] = rows.sum[half] * rows.shrink[half] + sum;
  }
}

template <int kHeadDim>
__device__ __forceinline__ void pack_weights(Rows<kHeadDim>& rows) {
#pragma unroll
  for (int k = 0; k < 8; ++k) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      rows.weights[k][i] = pack_bf16(rows.scores[k * 8 + i * 2], rows.scores[k * 8 + i * 2 + 1]);
  }
}

// Values behind the sequence's end may be anything, a NaN too, and 0 x NaN is NaN.
template <int kHeadDim>
__device__ void zero_values_from(Shared<kHeadDim>& shared, int stage, int n_valid, int consumer,
                                 int thread) {
  for (int slab = 0; slab < kHeadDim / 64; ++slab) {
    for (int at = n_valid * 128 + thread * 16; at < kSlabBytes; at += 128 * 16)
      *reinterpret_cast<uint4*>(shared.values[stage] + slab * kSlabBytes + at) = uint4{0, 0, 0, 0};
  }
  order_before_copy_engine();
  sync_warpgroup(consumer);
}

template <int kHeadDim>
__device__ __forceinline__ void store_rows(Rows<kHeadDim>& rows, const Params& p, const Work& work,
                                           int first_row, int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float sum = rows.sum[half];
    sum += __shfl_xor_sync(~0u, sum, 1);
    sum += __shfl_xor_sync(~0u, sum, 2);
    const int row = first_row + lane / 4 + half * 8;
    if (row >= work.tile.n_rows) continue;
    const float inverse = 1.0f / sum;
    auto* to = reinterpret_cast<std::uint32_t*>(p.out + work.row_start<kHeadDim>(p, row));
#pragma unroll
    for (int n = 0; n < kHeadDim / 8; ++n) {
      to[n * 4 + lane % 4] =
          pack_bf16(rows.out[n * 4 + half * 2] * inverse, rows.out[n * 4 + half * 2 + 1] * inverse);
    }
  }
}

template <int kHeadDim>
__device__ void consume_tiles(const Params& p, const Work& work, Shared<kHeadDim>& shared,
                              int consumer, int thread) {
  const int lane = thread % 32, first_row = consumer * 64 + thread / 32 * 16;
  Rows<kHeadDim> rows;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = min(first_row + lane / 4 + half * 8, work.tile.n_rows - 1);
    rows.last[half] = work.tile.first_position + (work.tile.row_begin + row) / p.group_size;
  }
#pragma unroll
  for (float& x : rows.out) x = 0.0f;
  load_queries(p, work, shared, consumer, thread);
  const auto finish_scores = [&](int j) {
    const int first = j * kTile;
    if (first + kTile - 1 > work.first_position ||
        (p.window > 0 && first <= work.last_position - p.window))
      mask_scores(rows, first, p.window, lane);
    online_softmax(rows, p.scale_log2);
  };
  const int n_tiles = work.end_tile - work.first_tile;
  wait_barrier(shared.keys_full, 0);
  start_scores(rows, shared, 0, consumer);
  wgmma_wait<0>();
  pin_registers(rows.scores);
  arrive(shared.keys_free);
  finish_scores(work.first_tile);
  pack_weights(rows);
  int n = 0;
  for (; n + 1 < n_tiles; ++n) {
    const int stage = n % kStages, next_stage = (n + 1) % kStages;
    wait_barrier(shared.keys_full + next_stage, (n + 1) / kStages % 2);
    start_scores(rows, shared, next_stage, consumer);
    wait_barrier(shared.values_full + stage, n / kStages % 2);
    start_out(rows, shared, stage);
    wgmma_wait<1>();
    pin_registers(rows.scores);
    arrive(shared.keys_free + next_stage);
    finish_scores(work.first_tile + n + 1);
    wgmma_wait<0>();
    pin_registers(rows.out);
    arrive(shared.values_free + stage);
#pragma unroll
    for (int i = 0; i < kHeadDim / 2; ++i) rows.out[i] *= rows.shrink[i % 4 / 2];
    pack_weights(rows);
  }
  // The last tile: no scores to overlap with, and it may end behind the sequence.
  wait_barrier(shared.values_full + n % kStages, n / kStages % 2);
  const int n_valid = work.tile.n_positions - (work.end_tile - 1) * kTile;
  if (n_valid < kTile) zero_values_from(shared, n % kStages, n_valid, consumer, thread);
  start_out(rows, shared, n % kStages);
  wgmma_wait<0>();
  pin_registers(rows.out);
  store_rows(rows, p, work, first_row, lane);
}

template <int kHeadDim>
__global__ __launch_bounds__(kThreads, 1) void prefill_attention_kernel(const Params p) {
#ifdef TINYLLM_HAS_WGMMA
  extern __shared__ __align__(1024) std::byte memory[];
  auto& shared = *reinterpret_cast<Shared<kHeadDim>*>(memory);
  if (threadIdx.x == 0) {
    for (int i = 0; i < kStages; ++i) {
      init_barrier(shared.keys_full + i, 1);
      init_barrier(shared.values_full + i, 1);
      init_barrier(shared.keys_free + i, kConsumers * 128);
      init_barrier(shared.values_free + i, kConsumers * 128);
    }
    publish_barriers();
  }
  __syncthreads();
  const Work work(p, static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.x));
  let_next_kernel_start();
  wait_for_previous_kernel();
  const int warpgroup = threadIdx.x / 128;
  if (warpgroup == 0) {
    give_registers<24>();
    if (threadIdx.x < 32) copy_tiles(p, work, shared, static_cast<int>(threadIdx.x));
  } else {
    take_registers<240>();
    consume_tiles(p, work, shared, warpgroup - 1, static_cast<int>(threadIdx.x) % 128);
  }
#endif
}

template <int kHeadDim>
void launch_head_dim(const DeviceContext& context, const Params& params, std::int32_t n_tiles) {
  const LaunchShape shape = {
      .grid = dim3(static_cast<unsigned>(params.n_kv_heads), static_cast<unsigned>(n_tiles)),
      .block = dim3(kThreads),
      .shared_bytes = sizeof(Shared<kHeadDim>)};
  launch(context, "prefill attention", prefill_attention_kernel<kHeadDim>, shape, params);
}

}  // namespace

bool has_prefill_attention(const DeviceContext& context, std::int32_t head_dim) {
  return context.has_hopper_code() && (head_dim == 64 || head_dim == 128);
}

void launch_prefill_attention(const DeviceContext& context, const AttentionShape& shape,
                              const KvView& kv, const PrefillTile* tiles, std::int32_t n_tiles,
                              const __nv_bfloat16* q, __nv_bfloat16* out) {
  CHECK(has_prefill_attention(context, shape.head_dim), "prefill attention: head_dim {}",
        shape.head_dim);
  const Params params = {.pages = kv.pages,
                         .blocks = kv.blocks,
                         .tiles = tiles,
                         .q = q,
                         .out = out,
                         .n_heads = shape.n_heads,
                         .n_kv_heads = shape.n_kv_heads,
                         .group_size = shape.group_size(),
                         .groups_per_block = kv.block_size / kKvGroup,
                         .window = shape.window,
                         .scale_log2 = shape.scale * kLog2E};
  if (shape.head_dim == 64) return launch_head_dim<64>(context, params, n_tiles);
  launch_head_dim<128>(context, params, n_tiles);
}

}  // namespace tinyllm::cuda
