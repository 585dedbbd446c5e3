#pragma once
// The kernel behind launch_expert_*, for one weight format.
//
//   y [rows of a chunk, rows of the matrix] = x W^T with W of the chunk's expert, chunk after chunk
//
// Bytes moved: the matrices of the experts that were chosen, once a chunk; so once, where an
// expert's rows fit in one. Floor on an H200 (4.62 TB/s), Qwen3-30B-A3B in bf16, one token, 8
// experts: gate_up 50 MB, 10.9 us; down 25 MB, 5.4 us.
//
//   item    a chunk and m_warps tiles of 16 rows; blocks take every gridDim-th one. Warp (m, k)
//           multiplies a tile with every k_warps-th block of columns, as in linear_kernel.cuh
//   sum     in place of a chunk the n_slots chunks of a token, one row each, whose blocks of columns
//           follow each other: the token's experts are added up on the way; few items then, so a
//           cluster of blocks shares the columns of each
//
//               slot 0            slot 1          ..
//               | 0 | 1 | 2 | .. | 0 | 1 | 2 | ..      of a token's experts
//     tile 0      k0  k1  k2       k3  k0  k1
//
// Which experts are read is known only when the router is done, so nothing is fetched before.

#include "kernels/cuda/expert_formats.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/linear_formats.h"
#include "kernels/cuda/linear_rows.cuh"
#include "kernels/cuda/tile_product.cuh"

namespace tinyllm::cuda {

// Rows of x that lie anywhere: those of a chunk.
template <int kNTiles>
struct GatheredRows {
  const __nv_bfloat16* x;
  std::uint32_t offsets[kNTiles];  // of the lane's row of each tile, in 8 elements
  int g, c;                        // the lane's row of 8, and its quarter
  int n;                           // rows

  __device__ __forceinline__ void open(const ExpertArgs& args, const ExpertChunk& chunk) {
    n = chunk.n_rows;
#pragma unroll
    for (int tile = 0; tile < kNTiles; ++tile) {
      const int row = chunk.first_row + max(0, min(tile * 8 + g, n - 1));
      const int from = args.tokens == nullptr ? row : args.tokens[row];
      offsets[tile] = static_cast<std::uint32_t>(from) * args.x_stride;
    }
  }
  __device__ __forceinline__ const __nv_bfloat16* at(int tile, int column) const {
    return x + std::int64_t{offsets[tile]} * 8 + column;
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

// Where a warp is among its blocks of weights, over all its items.
template <typename Blocks, int kNTiles, bool kOneRow>
class ExpertCursor {
 public:
  // slice: of the warps that share an item's columns, n_slices in all.
  __device__ ExpertCursor(const ExpertArgs& args, int n_items, int m_warp, int slice, int lane)
      : args_(args),
        n_items_(n_items),
        m_warp_(m_warp),
        slice_(slice),
        lane_(lane),
        item_(static_cast<int>(blockIdx.x) / args.cluster),
        block_(slice) {
    rows_.x = args.x;
    rows_.g = lane / 4;
    rows_.c = lane % 4;
    settle();
  }

  // Begins to copy the next block, and with_rows what x has of its columns, into a slot.
  template <bool with_rows>
  __device__ __forceinline__ void fetch(std::byte* slot) {
    if (item_ < n_items_) {
      Blocks::fetch(slot, tile_, block_, lane_);
      if constexpr (with_rows) {
        RowsInSlot<Blocks, kNTiles, kOneRow>::fetch(slot + Blocks::kSlotBytes, rows_,
                                                    block_ * Blocks::kColumns, lane_);
      }
      block_ += args_.k_warps * args_.cluster;
      if (block_ >= args_.n_blocks) settle();
    }
    commit_copies();  // also of nothing: groups are counted
  }

 private:
  // Brings block_ into the matrix of a slot, and takes that matrix.
  __device__ __forceinline__ void settle() {
    while (block_ >= args_.n_blocks) {
      block_ -= args_.n_blocks;
      if (++slot_ < args_.n_slots) continue;
      slot_ = 0;
      block_ = slice_;
      item_ += static_cast<int>(gridDim.x) / args_.cluster;
    }
    if (item_ >= n_items_) return;
    const ExpertChunk& chunk = args_.chunks[item_ / args_.n_groups * args_.n_slots + slot_];
    const int tile = min(item_ % args_.n_groups * args_.m_warps + m_warp_, args_.n_tiles - 1);
    const std::byte* matrix = args_.is_down ? chunk.weights.down : chunk.weights.gate_up;
    if constexpr (Blocks::kFormat == WeightFormat::bf16) {
      const std::int64_t row_bytes = std::int64_t{args_.n_blocks} * Blocks::kColumns * 2;
      tile_.base = matrix + (tile * kRowTile + lane_ / 4) * row_bytes + lane_ % 4 * 16;
      tile_.row_distance = 8 * row_bytes;
    } else {
      tile_.base =
          matrix + std::int64_t{tile} * args_.n_blocks * block_info(Blocks::kFormat).block_bytes;
    }
    rows_.open(args_, chunk);
  }

  const ExpertArgs& args_;
  int n_items_, m_warp_, slice_, lane_;
  int item_, slot_ = 0, block_;
  TilePointer tile_{};
  GatheredRows<kNTiles> rows_{};
};

// Adds up what the warps, and the blocks of the cluster, have of an item, and writes the results.
// sums: [m_warps * kNTiles * 128] of shared memory, for the cluster.
template <int kNTiles>
__device__ __forceinline__ void finish_item(const ExpertArgs& args, int item,
                                            const ExpertChunk& chunk, const float* partials,
                                            float* sums) {
  constexpr int kWarpFloats = kNTiles * kTileFloats;
  const bool gate = args.output == ExpertOutput::gate;
  const int n_values = args.m_warps * kNTiles * 128;
  const auto sum_of_block = [&](int i, int up) {
    const float* mine = partials + i / 128 / kNTiles * args.k_warps * kWarpFloats +
                        i / 128 % kNTiles * kTileFloats + i % 128 / 16 * kColumnPitch + i % 16 + up;
    float sum = 0.0f;
    for (int k = 0; k < args.k_warps; ++k) sum += mine[k * kWarpFloats];
    return sum;
  };
  if (args.cluster > 1) {
    for (int i = static_cast<int>(threadIdx.x); i < n_values; i += static_cast<int>(blockDim.x))
      sums[i] = sum_of_block(i, 0);
    cluster_barrier();
  }
  for (int i = static_cast<int>(threadIdx.x); i < n_values; i += static_cast<int>(blockDim.x)) {
    const int n_tile = i / 128 % kNTiles, m = i / 128 / kNTiles;
    const int row = i % 16, b = n_tile * 8 + i % 128 / 16;
    const int tile = item % args.n_groups * args.m_warps + m;
    if (b >= chunk.n_rows || tile >= args.n_tiles || (gate && row >= 8)) continue;
    if (args.cluster > 1 && cluster_rank() != 0) continue;
    const auto total = [&](int up) {
      if (args.cluster == 1) return sum_of_block(i, up);
      float sum = 0.0f;
      for (int r = 0; r < args.cluster; ++r)
        sum += load_of_rank(sums + i + up, static_cast<unsigned>(r));
      return sum;
    };
    const int y = chunk.first_row + b;
    const int column = gate ? tile * 8 + row : tile * kRowTile + row;
    if (column >= args.n_results) continue;
    if (gate) {
      args.gated[y * args.stride + column] =
          __float2bfloat16(args.weights[y] * silu(total(0)) * total(8));
    } else if (args.output == ExpertOutput::store) {
      args.out[y * args.stride + column] = total(0);
    } else {
      args.out[item / args.n_groups * args.stride + column] += total(0);
    }
  }
  if (args.cluster > 1) cluster_barrier();  // the others' shared memory stays until it was read
}

template <typename Blocks, int kNTiles, bool kOneRow>
__global__ void __launch_bounds__(kMaxLinearWarps * 32, min_blocks<Blocks, kNTiles, 1>())
    expert_kernel(const ExpertArgs args) {
  constexpr int kStages = stages<Blocks, kNTiles, 1, false, kOneRow>();
  constexpr int kStageBytes = stage_bytes<Blocks, kNTiles, 1, false, kOneRow>();
  constexpr bool kRowsInSlots = has_rows_in_slots<Blocks, kNTiles, false>();
  constexpr int kWarpFloats = kNTiles * kTileFloats;
  extern __shared__ __align__(128) unsigned char shared[];
  let_next_kernel_start();

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int n_warps = args.k_warps * args.m_warps;
  const int k_warp = warp % args.k_warps, m_warp = warp / args.k_warps;
  std::byte* slots = reinterpret_cast<std::byte*>(shared) + warp * (kStages * kStageBytes);
  float* partials = reinterpret_cast<float*>(shared + n_warps * (kStages * kStageBytes));
  float* sums = partials + (kNTiles <= 4 ? 2 : 1) * n_warps * kWarpFloats;
  const int rank = args.cluster > 1 ? static_cast<int>(cluster_rank()) : 0;
  const int slice = rank * args.k_warps + k_warp, n_slices = args.k_warps * args.cluster;

  wait_for_previous_kernel();
  const int n_units = args.n_chunks == nullptr ? args.n_units : *args.n_chunks;
  const int n_items = n_units * args.n_groups;
  ExpertCursor<Blocks, kNTiles, kOneRow> cursor(args, n_items, m_warp, slice, lane);
  for (int s = 0; s < kStages - 1; ++s)
    cursor.template fetch<kRowsInSlots>(slots + s * kStageBytes);

  GatheredRows<kNTiles> x{};
  x.x = args.x;
  x.g = lane / 4;
  x.c = lane % 4;
  const int n_mine = (args.n_slots * args.n_blocks - slice + n_slices - 1) / n_slices;
  const int item_step = static_cast<int>(gridDim.x) / args.cluster;
  int buffer = 0, stage = 0, free_stage = kStages - 1;
  for (int item = static_cast<int>(blockIdx.x) / args.cluster; item < n_items; item += item_step) {
    const ExpertChunk chunk = args.chunks[item / args.n_groups * args.n_slots];
    if constexpr (!kRowsInSlots) x.open(args, chunk);
    const int n_used = kNTiles == 1 ? 1 : (chunk.n_rows + 7) / 8;
    float d[1][kNTiles][4] = {};
    for (int i = 0; i < n_mine; ++i) {
      wait_for_copies<kStages - 2>();
      __syncwarp();  // scales came by other lanes; and all have read the slot that is filled next
      const std::byte* slot = slots + stage * kStageBytes;
      const typename Blocks::Registers w[1] = {Blocks::read(slot, lane)};
      stage = stage + 1 == kStages ? 0 : stage + 1;
      cursor.template fetch<kRowsInSlots>(slots + free_stage * kStageBytes);
      free_stage = free_stage + 1 == kStages ? 0 : free_stage + 1;
      if constexpr (kRowsInSlots) {
        const RowsInSlot<Blocks, kNTiles, kOneRow> rows{slot + Blocks::kSlotBytes, lane};
        multiply_block<Blocks>(d, w, rows, 0, n_used);
      } else {
        multiply_block<Blocks>(d, w, x, (slice + i * n_slices) * Blocks::kColumns, n_used);
      }
    }
    put_sums(partials + (buffer * n_warps + warp) * kWarpFloats, d, lane);
    __syncthreads();
    finish_item<kNTiles>(args, item, chunk, partials + buffer * n_warps * kWarpFloats, sums);
    if constexpr (kNTiles <= 4) {
      buffer ^= 1;
    } else {
      __syncthreads();
    }
  }
}

// --- host ---

template <typename Blocks, int kNTiles, bool kOneRow = false>
void launch_chunks(const DeviceContext& context, ExpertArgs args, int max_units) {
  const int n_warps = args.k_warps * args.m_warps;
  LaunchShape shape;
  const std::int64_t n_resident = 2 * context.n_sms() / args.cluster;
  shape.grid = dim3(static_cast<unsigned>(
      std::min(std::int64_t{max_units} * args.n_groups, n_resident) * args.cluster));
  shape.block = dim3(static_cast<unsigned>(n_warps * 32));
  const int ring_bytes = stages<Blocks, kNTiles, 1, false, kOneRow>() *
                         stage_bytes<Blocks, kNTiles, 1, false, kOneRow>();
  const int sum_bytes = (kNTiles <= 4 ? 2 : 1) * kNTiles * kTileFloats * 4;
  shape.shared_bytes = static_cast<std::size_t>(n_warps * (ring_bytes + sum_bytes));
  if (args.cluster > 1)
    shape.shared_bytes += static_cast<std::size_t>(args.m_warps * kNTiles * 128 * 4);
  shape.cluster = static_cast<unsigned>(args.cluster);
  launch(context, "experts", expert_kernel<Blocks, kNTiles, kOneRow>, shape, args);
}

// Many rows of a chunk.
template <typename Blocks>
void launch_expert_tiles(const DeviceContext& context, const ExpertArgs& args, int max_units) {
  TileArgs tiles;
  tiles.chunks = args.chunks;
  tiles.n_chunks = args.n_chunks;
  tiles.is_down = args.is_down;
  tiles.tokens = args.tokens;
  tiles.x = args.x;
  tiles.x_stride = args.x_stride;
  tiles.n_results = args.n_results;
  tiles.n_tiles = args.n_tiles;
  tiles.n_blocks = args.n_blocks;
  tiles.output = args.output == ExpertOutput::gate ? TileOutput::gate : TileOutput::store;
  tiles.weights = args.weights;
  tiles.gated = args.gated;
  tiles.out = args.out;
  tiles.stride = args.stride;
  if constexpr (Blocks::kFormat == WeightFormat::bf16) {
    if (context.is_deterministic()) {
      tiles.n_slices = fixed_k_warps(args.n_blocks);
      return launch_tiles<Blocks, true>(context, tiles, max_units);
    }
  }
  launch_tiles<Blocks, false>(context, tiles, max_units);
}

// Nothing of `args` is open but n_blocks, and how the work is dealt out.
template <typename Blocks>
void launch_expert_format(const DeviceContext& context, ExpertArgs args, int n_cols, int max_units,
                          int chunk_rows) {
  args.n_blocks = static_cast<int>(padded_to(n_cols, Blocks::kColumns)) / Blocks::kColumns;
  if (chunk_rows > kMaxChunkRows) return launch_expert_tiles<Blocks>(context, args, max_units);
  // Few items: all warps share one's columns, so that all multiprocessors have some. Else some blocks
  // of columns a warp at least, for what it costs to add them up: more of 4 bits, which come sooner.
  const int n_blocks = args.n_blocks * args.n_slots;
  const bool has_few = std::int64_t{max_units} * args.n_tiles < 16 * context.n_sms();
  const bool come_soon = block_info(Blocks::kFormat).bits == 4 && chunk_rows <= 16;
  const int a_warp = has_few ? 2 : come_soon ? 6 : 3;
  args.k_warps = 8;
  while (args.k_warps > 1 && n_blocks < a_warp * args.k_warps) args.k_warps /= 2;
  if (context.is_deterministic()) args.k_warps = fixed_k_warps(args.n_blocks);
  args.m_warps = kMaxLinearWarps / args.k_warps;
  args.n_groups = (args.n_tiles + args.m_warps - 1) / args.m_warps;
  const bool has_room =
      n_blocks >= 4 * args.k_warps && max_units * args.n_groups <= context.n_sms();
  args.cluster = context.has_hopper_code() && has_room && !context.is_deterministic() ? 2 : 1;
  constexpr int kMost = max_linear_rows(Blocks::kFormat) / 8;
  if (chunk_rows == 1) return launch_chunks<Blocks, 1, true>(context, args, max_units);
  if (chunk_rows <= 8) return launch_chunks<Blocks, 1>(context, args, max_units);
  if (chunk_rows <= 16) return launch_chunks<Blocks, 2>(context, args, max_units);
  launch_chunks<Blocks, kMost>(context, args, max_units);
}

}  // namespace tinyllm::cuda
