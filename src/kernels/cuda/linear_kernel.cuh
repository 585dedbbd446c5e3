#pragma once
// The kernel behind launch_linear, for one weight format.
//
//   y [n, rows] = x [n, columns] W^T, n <= 8 kNTiles
//
// Bytes moved: the packed matrix once. Floor: those bytes at the memory's read rate (H200: 4.62
// TB/s; 7B gate_up in bf16, 272 MB: 59 us).
//
//   block   m_warps groups of k_warps warps; warp (m, k) multiplies m_tiles tiles of 16 rows with
//           every k_warps-th block of columns
//
//               columns   | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | ..        k_warps = 4
//      rows  0..15          k0  k1  k2  k3  k0  k1  k2  k3
//      rows 16..31 (m 1)    k0  ...
//
//   - the warps' sums meet in shared memory, in one order, then bias, residual or gate follow;
//   - a cluster of blocks can share the columns too, for matrices with few rows: its sums meet
//     through distributed shared memory;
//   - blocks stay: each takes every gridDim-th group of rows, and has the next rows' weights under
//     way while it adds up these ones';
//   - several blocks of each warp are under way at any time, copied into slots of shared memory by
//     the hardware; the first ones are asked for before the kernel before this one has ended
//     (weights are nobody's output). Loads into registers instead were half as fast from 8 and 4
//     bits: a warp has six scoreboards, and waiting for one block waited for later ones too.
//
// Few rows of x come with their weights, more of them from L1 and L2, in the order in which the
// tensor cores take them.
//
// Measured on an H200 (2026-11-29, read-only 4655 GB/s in the same run), share of that for one row
// of x, 7B shapes: head 82 % (int8), gate_up 80 % (bf16), 69 % (int8), 57 % (int4), down 73 / 58 /
// 48 %; small matrices are bound by the start of a kernel: 0.5B o_proj, 1.6 MB, 2.4 to 3.2 us.

#include <algorithm>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/linear_formats.h"
#include "kernels/cuda/linear_rows.cuh"

namespace tinyllm::cuda {

struct LinearArgs {
  LinearWeights weights;
  LinearInput input;
  LinearOutput output;
  int n = 0;         // rows of x
  int n_blocks = 0;  // of columns
  int n_tiles = 0;   // of 16 rows
  int n_groups = 0;  // of m_warps x m_tiles tiles
  int k_warps = 0, m_warps = 0, cluster = 0;
};

inline constexpr int kNormedPitch = 32;  // columns more a row of x in shared memory: other banks

// rows[b] = hidden[b] * norm in bf16, zero beyond n_cols; factors[b] = 1 / rms(hidden[b]), which
// the sums are multiplied with at the end. Called by all threads of the block.
__device__ inline void stage_normed_rows(const LinearArgs& args, int padded_cols,
                                         __nv_bfloat16* rows, float* factors, float* scratch) {
  const LinearInput& input = args.input;
  const int n_cols = args.weights.n_cols, pitch = padded_cols + kNormedPitch;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int n_warps = static_cast<int>(blockDim.x) / 32;
  for (int b = 0; b < args.n; ++b) {
    float squares = 0.0f;
#pragma unroll 4
    for (int i = static_cast<int>(threadIdx.x) * 4; i < padded_cols;
         i += static_cast<int>(blockDim.x) * 4) {
      float4 h{}, w{};
      if (i < n_cols) {
        h = *reinterpret_cast<const float4*>(input.hidden + b * input.stride + i);
        w = *reinterpret_cast<const float4*>(input.norm + i);
      }
      squares += h.x * h.x + h.y * h.y + h.z * h.z + h.w * h.w;
      *reinterpret_cast<uint2*>(rows + b * pitch + i) = {pack_bf16(h.x * w.x, h.y * w.y),
                                                         pack_bf16(h.z * w.z, h.w * w.w)};
    }
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2)
      squares += __shfl_xor_sync(0xffffffffu, squares, distance);
    if (lane == 0) scratch[b * kMaxLinearWarps + warp] = squares;
  }
  __syncthreads();
  if (threadIdx.x < static_cast<unsigned>(args.n)) {
    float sum = 0.0f;
    for (int w = 0; w < n_warps; ++w) sum += scratch[threadIdx.x * kMaxLinearWarps + w];
    factors[threadIdx.x] = rsqrtf(sum / static_cast<float>(n_cols) + input.norm_eps);
  }
  __syncthreads();
}

// One finished sum of row `row` of the matrix, or a pair of gate and up.
__device__ __forceinline__ void write_output(const LinearArgs& args, int b, int row, float value) {
  if (row >= args.weights.n_rows) return;
  const LinearOutput& output = args.output;
  if (output.bias != nullptr) value += output.bias[row];
  float* at = output.out + b * output.stride + row;
  *at = output.epilogue == LinearEpilogue::add ? *at + value : value;
}
__device__ __forceinline__ void write_gated(const LinearArgs& args, int b, int column, float gate,
                                            float up) {
  const int n = args.weights.n_rows / 2;
  if (column >= n) return;
  const LinearOutput& output = args.output;
  if (output.bias != nullptr) {
    gate += output.bias[column];
    up += output.bias[n + column];
  }
  output.gated[b * output.stride + column] = __float2bfloat16(silu(gate) * up);
}

// Sum of element `at` of the block's k_warps partial tiles.
__device__ __forceinline__ float sum_of_warps(const LinearArgs& args, const float* partials,
                                              int warp_floats, int m_warp, int at) {
  float sum = 0.0f;
  for (int k = 0; k < args.k_warps; ++k)
    sum += partials[(m_warp * args.k_warps + k) * warp_floats + at];
  return sum;
}

// Adds up what the warps, and the blocks of the cluster, have of a group of rows, and writes the
// results.
template <int kNTiles, int kMTiles>
__device__ __forceinline__ void finish_group(const LinearArgs& args, int group, unsigned rank,
                                             const float* partials, float* sums,
                                             const float* factors) {
  constexpr int kWarpFloats = kMTiles * kNTiles * kTileFloats;
  const bool gate = args.output.epilogue == LinearEpilogue::gate;
  const int n_values = args.m_warps * kMTiles * kNTiles * 128;
  const auto place_of = [](int i) {  // of value i in a warp's floats
    return i / 128 * kTileFloats + i % 128 / 16 * kColumnPitch + i % 16;
  };
  if (args.cluster > 1) {
    for (int i = static_cast<int>(threadIdx.x); i < n_values; i += static_cast<int>(blockDim.x)) {
      const int in_warp = i % (kMTiles * kNTiles * 128), m = i / (kMTiles * kNTiles * 128);
      sums[i] = sum_of_warps(args, partials, kWarpFloats, m, place_of(in_warp));
    }
    cluster_barrier();
  }
  if (rank == 0) {
    const auto total = [&](int m, int in_warp) {
      if (args.cluster == 1) return sum_of_warps(args, partials, kWarpFloats, m, place_of(in_warp));
      float sum = 0.0f;
      for (int r = 0; r < args.cluster; ++r)
        sum += load_of_rank(sums + m * kMTiles * kNTiles * 128 + in_warp, static_cast<unsigned>(r));
      return sum;
    };
    for (int i = static_cast<int>(threadIdx.x); i < n_values; i += static_cast<int>(blockDim.x)) {
      const int in_warp = i % (kMTiles * kNTiles * 128), m = i / (kMTiles * kNTiles * 128);
      const int n_tile = in_warp / 128 % kNTiles, m_tile = in_warp / 128 / kNTiles;
      const int row = in_warp % 16, b = n_tile * 8 + in_warp % 128 / 16;
      const int tile = (group * args.m_warps + m) * kMTiles + m_tile;
      if (b >= args.n || tile >= args.n_tiles || (gate && row >= 8)) continue;
      const float factor = factors == nullptr ? 1.0f : factors[b];
      const float value = total(m, in_warp) * factor;
      if (gate) {
        write_gated(args, b, tile * 8 + row, value, total(m, in_warp + 8) * factor);
      } else {
        write_output(args, b, tile * kRowTile + row, value);
      }
    }
  }
  if (args.cluster > 1) cluster_barrier();  // the others' shared memory stays until it was read
}

template <typename Blocks, int kNTiles, int kMTiles, bool kNormed, bool kOneRow>
__global__ void __launch_bounds__(kMaxLinearWarps * 32, min_blocks<Blocks, kNTiles, kMTiles>())
    linear_kernel(const LinearArgs args) {
  constexpr int kStages = stages<Blocks, kNTiles, kMTiles, kNormed, kOneRow>();
  constexpr int kStageBytes = stage_bytes<Blocks, kNTiles, kMTiles, kNormed, kOneRow>();
  constexpr bool kRowsInSlots = has_rows_in_slots<Blocks, kNTiles, kNormed>();
  constexpr int kWarpFloats = kMTiles * kNTiles * kTileFloats;
  constexpr bool kTwoBuffers = kNTiles * kMTiles <= 4;
  extern __shared__ __align__(128) unsigned char shared[];
  let_next_kernel_start();

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int n_warps = args.k_warps * args.m_warps;
  const int k_warp = warp % args.k_warps, m_warp = warp / args.k_warps;
  const unsigned rank = args.cluster > 1 ? cluster_rank() : 0;
  const int first_group = static_cast<int>(blockIdx.x) / args.cluster;
  const int group_step = static_cast<int>(gridDim.x) / args.cluster;
  const int n_slices = args.k_warps * args.cluster;
  const int slice = static_cast<int>(rank) * args.k_warps + k_warp;
  std::byte* slots = reinterpret_cast<std::byte*>(shared) + warp * (kStages * kStageBytes);
  float* partials = reinterpret_cast<float*>(shared + n_warps * (kStages * kStageBytes));
  float* sums = partials + (kTwoBuffers ? 2 : 1) * n_warps * kWarpFloats;
  float* scratch = sums + (args.cluster > 1 ? args.m_warps * kMTiles * kNTiles * 128 : 0);
  float* factors = scratch + 8 * kMaxLinearWarps;
  auto* normed = reinterpret_cast<__nv_bfloat16*>(factors + 8);

  const int padded_cols = args.n_blocks * Blocks::kColumns;
  RowsInMemory x{args.input.x, args.input.stride, lane / 4, lane % 4, args.n};

  // The blocks of this warp, in its order, over all its groups of rows.
  int next_group = first_group, next_block = slice, next_stage = 0;
  const auto fetch = [&](bool with_rows) {
    if (next_block < args.n_blocks && next_group < args.n_groups) {
      std::byte* slot = slots + next_stage * kStageBytes;
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) {
        const int tile = min((next_group * args.m_warps + m_warp) * kMTiles + m, args.n_tiles - 1);
        TilePointer at{};
        if constexpr (Blocks::kFormat == WeightFormat::bf16) {
          const std::int64_t row_bytes = std::int64_t{padded_cols} * 2;
          at.base = args.weights.data + (tile * kRowTile + lane / 4) * row_bytes + lane % 4 * 16;
          at.row_distance = 8 * row_bytes;
        } else {
          at.base = args.weights.data +
                    std::int64_t{tile} * args.n_blocks * block_info(Blocks::kFormat).block_bytes;
        }
        Blocks::fetch(slot + m * Blocks::kSlotBytes, at, next_block, lane);
      }
      if constexpr (kRowsInSlots) {
        if (with_rows)
          RowsInSlot<Blocks, kNTiles, kOneRow>::fetch(slot + kMTiles * Blocks::kSlotBytes, x,
                                                      next_block * Blocks::kColumns, lane);
      }
    }
    commit_copies();  // also of nothing: groups are counted
    next_stage = next_stage + 1 == kStages ? 0 : next_stage + 1;
    next_block += n_slices;
    if (next_block >= args.n_blocks) {
      next_block = slice;
      next_group += group_step;
    }
  };
  for (int s = 0; s < kStages - 1; ++s) fetch(false);

  wait_for_previous_kernel();
  if constexpr (kNormed) {
    stage_normed_rows(args, padded_cols, normed, factors, scratch);
    x.x = normed;
    x.stride = padded_cols + kNormedPitch;
  }
  if constexpr (kRowsInSlots) {  // of the blocks that are under way
    const int n_a_group = (args.n_blocks - slice + n_slices - 1) / n_slices;
    for (int s = 0; s < kStages - 1 && n_a_group > 0; ++s)
      RowsInSlot<Blocks, kNTiles, kOneRow>::fetch(
          slots + s * kStageBytes + kMTiles * Blocks::kSlotBytes, x,
          (slice + s % n_a_group * n_slices) * Blocks::kColumns, lane);
    commit_copies();
    wait_for_copies<0>();
  }

  int buffer = 0, stage = 0;
  for (int group = first_group; group < args.n_groups; group += group_step) {
    float d[kMTiles][kNTiles][4] = {};
    for (int block = slice; block < args.n_blocks; block += n_slices) {
      wait_for_copies<kStages - 2>();
      __syncwarp();  // scales came by other lanes; and all have read the slot that is filled next
      const std::byte* slot = slots + stage * kStageBytes;
      typename Blocks::Registers w[kMTiles];
#pragma unroll
      for (int m = 0; m < kMTiles; ++m) w[m] = Blocks::read(slot + m * Blocks::kSlotBytes, lane);
      stage = stage + 1 == kStages ? 0 : stage + 1;
      fetch(true);  // into the slot that was read in the round before
      if constexpr (kRowsInSlots) {
        const RowsInSlot<Blocks, kNTiles, kOneRow> rows{slot + kMTiles * Blocks::kSlotBytes, lane};
        multiply_block<Blocks>(d, w, rows, block * Blocks::kColumns);
      } else {
        multiply_block<Blocks>(d, w, x, block * Blocks::kColumns);
      }
    }
    put_sums(partials + (buffer * n_warps + warp) * kWarpFloats, d, lane);
    __syncthreads();
    finish_group<kNTiles, kMTiles>(args, group, rank, partials + buffer * n_warps * kWarpFloats,
                                   sums, kNormed ? factors : nullptr);
    if constexpr (kTwoBuffers) {
      buffer ^= 1;
    } else {
      __syncthreads();
    }
  }
}

// --- host ---

inline std::size_t linear_shared_bytes(const LinearArgs& args, int n_tiles, int m_tiles,
                                       int padded_cols, int ring_bytes) {
  const int warp_floats = m_tiles * n_tiles * kTileFloats;
  std::size_t floats = static_cast<std::size_t>((n_tiles * m_tiles <= 4 ? 2 : 1) * args.k_warps *
                                                args.m_warps * warp_floats);
  if (args.cluster > 1) floats += static_cast<std::size_t>(args.m_warps * m_tiles * n_tiles * 128);
  floats += 8 * kMaxLinearWarps + 8;
  std::size_t bytes =
      floats * sizeof(float) + static_cast<std::size_t>(args.k_warps * args.m_warps * ring_bytes);
  if (args.input.x == nullptr)
    bytes +=
        static_cast<std::size_t>(args.n) * static_cast<std::size_t>(padded_cols + kNormedPitch) * 2;
  return bytes;
}

template <typename Blocks, int kNTiles, int kMTiles, bool kNormed, bool kOneRow = false>
void launch_one(const DeviceContext& context, LinearArgs args, int blocks_per_sm) {
  args.n_groups = (args.n_tiles + args.m_warps * kMTiles - 1) / (args.m_warps * kMTiles);
  LaunchShape shape;
  const int n_resident = std::max(1, context.n_sms() * blocks_per_sm / args.cluster);
  shape.grid = dim3(static_cast<unsigned>(std::min(args.n_groups, n_resident) * args.cluster));
  shape.block = dim3(static_cast<unsigned>(args.k_warps * args.m_warps * 32));
  shape.shared_bytes =
      linear_shared_bytes(args, kNTiles, kMTiles, args.n_blocks * Blocks::kColumns,
                          stages<Blocks, kNTiles, kMTiles, kNormed, kOneRow>() *
                              stage_bytes<Blocks, kNTiles, kMTiles, kNormed, kOneRow>());
  shape.cluster = static_cast<unsigned>(args.cluster);
  launch(context, "linear", linear_kernel<Blocks, kNTiles, kMTiles, kNormed, kOneRow>, shape, args);
}

// n <= max_linear_rows; nothing of `tuning` is open.
template <typename Blocks>
void launch_format(const DeviceContext& context, const LinearWeights& weights,
                   const LinearInput& input, int n, const LinearOutput& output,
                   const LinearTuning& tuning) {
  LinearArgs args{weights, input, output, n};
  args.n_blocks = static_cast<int>(padded_to(weights.n_cols, Blocks::kColumns)) / Blocks::kColumns;
  args.n_tiles = weights.n_padded_rows / kRowTile;
  args.k_warps = tuning.k_warps;
  args.m_warps = tuning.m_warps;
  args.cluster = context.has_hopper_code() ? tuning.cluster : 1;
  const bool normed = input.x == nullptr;
  const int per_sm = tuning.blocks_per_sm;
  if (n <= 8) {
    if constexpr (block_info(Blocks::kFormat).bits == 4) {
      if (tuning.m_tiles == 2) {
        return normed   ? launch_one<Blocks, 1, 2, true>(context, args, per_sm)
               : n == 1 ? launch_one<Blocks, 1, 2, false, true>(context, args, per_sm)
                        : launch_one<Blocks, 1, 2, false>(context, args, per_sm);
      }
    }
    return normed   ? launch_one<Blocks, 1, 1, true>(context, args, per_sm)
           : n == 1 ? launch_one<Blocks, 1, 1, false, true>(context, args, per_sm)
                    : launch_one<Blocks, 1, 1, false>(context, args, per_sm);
  }
  if (n <= 16) return launch_one<Blocks, 2, 1, false>(context, args, per_sm);
  if constexpr (max_linear_rows(Blocks::kFormat) > 32) {
    if (n > 32) return launch_one<Blocks, 8, 1, false>(context, args, per_sm);
  }
  launch_one<Blocks, 4, 1, false>(context, args, per_sm);
}

}  // namespace tinyllm::cuda
