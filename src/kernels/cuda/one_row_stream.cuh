#pragma once
// The weights of a warp, from the first layer to the last, in the order in which it multiplies them. A
// warp is its own producer: it fetches into slots of its own as far ahead as they reach, across
// products and layers, since weights are nobody's output.

#include "kernels/cuda/async_copy.cuh"
#include "kernels/cuda/one_row_grid.cuh"
#include "kernels/cuda/one_row_pieces.cuh"

namespace tinyllm::cuda {

struct PieceInfo {
  int columns, bytes;
};
__host__ __device__ constexpr PieceInfo piece_info(WeightFormat format) {
  switch (format) {
    case WeightFormat::int8: return {OneRowInt8::kColumns, OneRowInt8::kBytes};
    case WeightFormat::int4: return {OneRowInt4::kColumns, OneRowInt4::kBytes};
    case WeightFormat::int4_k: return {OneRowInt4K::kColumns, OneRowInt4K::kBytes};
    default: return {OneRowBf16::kColumns, OneRowBf16::kBytes};
  }
}

// A warp's part of a product. The block's units, each `per_unit` pieces long, are laid end to end, and
// every warp takes an equal run of pieces:
//
//     unit 0            unit 1            unit 2
//   | p0 p1 p2 p3 p4 | p0 p1 p2 p3 p4 | p0 p1 p2 p3 p4 |
//     warp 0      warp 1       warp 2       warp 3
struct OneRowWork {
  int split_shift;
  int n_pieces;  // of a tile
  int per_unit;
  int first_unit, n_units;
  int begin, end;                 // pieces of this warp
  int begin_unit, begin_in_unit;  // where `begin` is
  int piece_bytes, tile_bytes;    // bf16: of a row's part, and 16 rows
};

__device__ inline OneRowWork one_row_work(const OneRowArgs& args, WeightFormat format, int product,
                                          int warp) {
  const OneRowPlan::Product& p = args.plan.products[product];
  const int n_blocks = static_cast<int>(gridDim.x);
  OneRowWork work;
  work.split_shift = 31 - __clz(p.n_splits);
  const int columns = piece_info(format).columns;
  work.n_pieces = (p.n_cols + columns - 1) / columns;
  const int n_units = p.n_tiles << work.split_shift;
  work.per_unit = (work.n_pieces + p.n_splits - 1) >> work.split_shift;
  // Units go round over the blocks, each product from where the one before ended.
  work.first_unit = static_cast<int>(blockIdx.x) - p.first_unit % n_blocks;
  if (work.first_unit < 0) work.first_unit += n_blocks;
  work.n_units =
      work.first_unit < n_units ? (n_units - work.first_unit + n_blocks - 1) / n_blocks : 0;
  const int n = work.n_units * work.per_unit;
  work.begin = n * warp / args.plan.n_warps;
  work.end = n * (warp + 1) / args.plan.n_warps;
  work.begin_unit = work.begin / work.per_unit;
  work.begin_in_unit = work.begin % work.per_unit;
  const BlockInfo info = block_info(format);
  const bool is_bf16 = format == WeightFormat::bf16;
  work.piece_bytes = is_bf16 ? OneRowBf16::kColumns * 2 : piece_info(format).bytes;
  work.tile_bytes =
      is_bf16 ? 16 * p.n_cols * 2 : (p.n_cols + info.columns - 1) / info.columns * info.block_bytes;
  return work;
}

// Where a run of pieces is.
struct PiecePlace {
  int at, unit, in_unit;  // of all pieces; of the block's units; of the unit's pieces

  __device__ __forceinline__ void enter(const OneRowWork& work) {
    at = work.begin;
    unit = work.begin_unit;
    in_unit = work.begin_in_unit;
  }
  __device__ __forceinline__ void next(const OneRowWork& work) {
    ++at;
    if (++in_unit == work.per_unit) {
      in_unit = 0;
      ++unit;
    }
  }
  __device__ __forceinline__ int unit_idx(const OneRowWork& work) const {
    return work.first_unit + unit * static_cast<int>(gridDim.x);
  }
  // The piece's number in its tile. >= n_pieces: the last unit of a tile is shorter.
  __device__ __forceinline__ int piece(const OneRowWork& work) const {
    const int split = unit_idx(work) & ((1 << work.split_shift) - 1);
    return split * work.per_unit + in_unit;
  }
};

template <WeightFormat kFormat>
class OneRowStream {
 public:
  // works: this warp's, of each product. slots, barriers: n_stages of this warp.
  __device__ OneRowStream(const OneRowArgs& args, const OneRowLayer* layers,
                          const OneRowWork* works, std::byte* slots, std::uint64_t* barriers,
                          int lane)
      : args_(args),
        layers_(layers),
        works_(works),
        slots_(slots),
        barriers_(barriers),
        lane_(lane),
        policy_(evict_first_policy()) {
    if (lane == 0) {
      const int n_arrivals = kFormat == WeightFormat::bf16 ? 32 : 1;
      for (int i = 0; i < args.plan.n_stages; ++i) init_barrier(barriers + i, n_arrivals);
      publish_barriers();
    }
    __syncwarp();
    place_.enter(works[0]);
  }

  // Fills all free slots. Called in one place, since what the compiler
  // makes of it is long: the instructions of a layer must stay in the cache for them.
  __device__ __forceinline__ void fill() {
#pragma unroll 1
    while (n_under_way_ < args_.plan.n_stages && fetch()) {
    }
  }
  __device__ __forceinline__ const std::byte* wait() {
    wait_barrier(barriers_ + read_stage_, parity_);
    return slots_ + read_stage_ * args_.plan.slot_bytes;
  }
  __device__ __forceinline__ void release() {
    __syncwarp();
    --n_under_way_;
    if (++read_stage_ == args_.plan.n_stages) {
      read_stage_ = 0;
      parity_ ^= 1;
    }
  }

 private:
  // Starts one copy. False: there is nothing more.
  __device__ __forceinline__ bool fetch() {
#pragma unroll 1
    while (true) {
      if (layer_ == args_.shape.n_layers) return false;
      const OneRowWork& work = works_[product_];
      if (place_.at == work.end) {
        if (++product_ == kNumOneRowProducts) {
          product_ = 0;
          if (++layer_ == args_.shape.n_layers) return false;
        }
        place_.enter(works_[product_]);
        continue;
      }
      const int piece = place_.piece(work);
      if (piece < work.n_pieces) start_copy(work, piece);
      place_.next(work);
      if (piece < work.n_pieces) return true;
    }
  }

  __device__ __forceinline__ void start_copy(const OneRowWork& work, int piece) {
    const std::int64_t tile = place_.unit_idx(work) >> work.split_shift;
    const std::byte* data =
        layers_[layer_].matrices[product_] + tile * work.tile_bytes + piece * work.piece_bytes;
    std::byte* slot = slots_ + fetch_stage_ * args_.plan.slot_bytes;
    std::uint64_t* barrier = barriers_ + fetch_stage_;
    if constexpr (kFormat == WeightFormat::bf16) {
      OneRowBf16::fetch(slot, data, work.tile_bytes / kRowTile, lane_);
      arrive_after_copies(barrier);
    } else if (lane_ == 0) {
      const auto n_bytes = static_cast<std::uint32_t>(
          min(work.piece_bytes, work.tile_bytes - piece * work.piece_bytes));
      expect_bytes(barrier, n_bytes);
      copy_bulk_once(slot, data, n_bytes, barrier, policy_);
    }
    ++n_under_way_;
    if (++fetch_stage_ == args_.plan.n_stages) fetch_stage_ = 0;
  }

  const OneRowArgs& args_;
  const OneRowLayer* layers_;
  const OneRowWork* works_;
  std::byte* slots_;
  std::uint64_t* barriers_;
  int lane_;
  std::uint64_t policy_;
  int layer_ = 0, product_ = 0;
  PiecePlace place_;
  int n_under_way_ = 0, fetch_stage_ = 0, read_stage_ = 0;
  std::uint32_t parity_ = 0;
};

}  // namespace tinyllm::cuda
