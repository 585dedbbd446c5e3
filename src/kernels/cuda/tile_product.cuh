#pragma once
// Products of many rows on Hopper's tensor cores (wgmma.cuh), for one weight format: those of experts with
// the rows of prompts, and of one matrix where a sum must have the order that launch_linear gives it.
//
// Operations: 2 for each weight and row. Qwen3-30B-A3B, a prompt of 2048: 155 GFLOP a layer, 0.20 ms at 775
// TFLOP/s. Bytes: the weights of all experts once, in bf16 1.2 GB, 0.26 ms at 4.62 TB/s.
//
//   item         a chunk of up to 256 rows of x, and 128 rows of its matrix; blocks take every gridDim-th
//                one. Of experts, those of a chunk follow each other, and x comes from L2; of one matrix,
//                those of its rows, and the weights do
//   warpgroup 0  fills a ring of steps of 64 columns: the rows of x, wherever they lie, and the weights,
//                copied (bf16) or unpacked to bf16 (all others, from codes that came earlier)
//   1 and 2      64 rows of the matrix each:  y^T [64, rows of x] += weights [64, 16] x^T
//
//       shared memory, one step      weights [128][64] bf16     x [256][64] bf16     swizzled, kv_layout.h
//
// The matrix's rows are the tensor cores' rows, so that the number of x's rows, which differs from chunk to
// chunk, is rounded up to 64 only, and gate and up of a column meet in one thread.
//
// A sum is one chain over the columns: it depends neither on the other rows nor on the chunk. Or it is
// kSliced, as the warps of launch_linear share the columns: a chain for every n_slices-th step, and the
// chains' sums added up in their order. wgmma and mma.sync add the same 16 columns alike, whatever
// their order among themselves (linear_test.cpp holds them to it), so a row has the same bits from either kernel.
//
// Measured on an H200 (2026-11-30): docs/gpu.md.

#include <algorithm>

#include "kernels/cuda/async_copy.cuh"
#include "kernels/cuda/experts.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/linear_rows.cuh"
#include "kernels/cuda/wgmma.cuh"

namespace tinyllm::cuda {

inline constexpr int kTileRows = 128;     // of the matrix
inline constexpr int kTileColumns = 64;   // of a step
inline constexpr int kTileThreads = 384;  // a producer, two consumers

enum class TileOutput : std::uint8_t {
  store,  // out = y + bias, f32
  add,    // out += y + bias, f32
  gate,   // gated = weight of the row * silu(gate + bias) * (up + bias), bf16
};

struct TileArgs {
  // Whose weights and rows: of chunks, or of one matrix with n rows, chunk_rows at a time.
  const ExpertChunk* chunks = nullptr;
  const std::int32_t* n_chunks = nullptr;
  bool is_down = false;  // which of an expert's matrices
  const std::byte* matrix = nullptr;
  int n = 0, chunk_rows = 0;

  const std::int32_t* tokens = nullptr;  // whose x a row takes; null: row r takes x[r]
  const __nv_bfloat16* x = nullptr;
  std::uint32_t x_stride = 0;  // in 8 elements
  int n_results = 0;           // columns of the result
  int n_tiles = 0;             // of 16 rows of the matrix
  int n_blocks = 0;            // of columns
  int n_slices = 1;            // of a sum
  TileOutput output = TileOutput::store;
  const float* weights = nullptr;  // [rows], or null: 1
  const float* bias = nullptr;     // [n_results]; gate: gate's, then up's; or null
  __nv_bfloat16* gated = nullptr;
  float* out = nullptr;
  std::int64_t stride = 0;  // of gated or out

  __device__ int count_chunks() const {
    return chunks != nullptr ? *n_chunks : (n + chunk_rows - 1) / chunk_rows;
  }
  __device__ int count_groups() const {  // of kTileRows
    return (n_tiles * kRowTile + kTileRows - 1) / kTileRows;
  }
};

template <typename Blocks>
struct alignas(1024) TileMemory {
  static constexpr bool kIsBf16 = Blocks::kFormat == WeightFormat::bf16;
  static constexpr int kStages = kIsBf16 ? 4 : 3;
  // Codes of a warp on their way, of two tiles of 16 rows each.
  static constexpr int kSlots = std::clamp(78 * 1024 / (8 * Blocks::kSlotBytes), 2, 6);
  std::byte weights[kStages][kTileRows * kTileColumns * 2];
  std::byte rows[kStages][kMaxTileRows * kTileColumns * 2];
  std::byte codes[kIsBf16 ? 1 : 4][kIsBf16 ? 1 : kSlots][2][kIsBf16 ? 16 : Blocks::kSlotBytes];
  std::uint64_t full[kStages], free[kStages];
};

// A place in the ring of steps, and how often it has gone round.
template <int kStages>
struct RingPlace {
  int stage = 0;
  std::uint32_t parity = 0;
  __device__ __forceinline__ void next() {
    if (++stage < kStages) return;
    stage = 0;
    parity ^= 1;
  }
};

struct TileItem {
  const std::byte* matrix;
  int first_row, n_rows;  // of x and y
  int first_tile;         // of 16 rows of the matrix

  __device__ TileItem(const TileArgs& args, int item) {
    constexpr int kTiles = kTileRows / kRowTile;
    if (args.chunks == nullptr) {
      const int n_chunks = args.count_chunks();
      matrix = args.matrix;
      first_row = item % n_chunks * args.chunk_rows;
      n_rows = min(args.chunk_rows, args.n - first_row);
      first_tile = item / n_chunks * kTiles;
      return;
    }
    const int n_groups = args.count_groups();
    const ExpertChunk& chunk = args.chunks[item / n_groups];
    matrix = args.is_down ? chunk.weights.down : chunk.weights.gate_up;
    first_row = chunk.first_row;
    n_rows = chunk.n_rows;
    first_tile = item % n_groups * kTiles;
  }
};

// --- the producer ---

// Copies the codes of a warp's two tiles of 16 rows, some blocks ahead, over all its items.
template <typename Blocks>
class CodeCursor {
 public:
  using Memory = TileMemory<Blocks>;
  __device__ CodeCursor(const TileArgs& args, Memory& memory, int n_items, int thread)
      : args_(args),
        memory_(memory),
        n_items_(n_items),
        warp_(thread / 32),
        lane_(thread % 32),
        item_(static_cast<int>(blockIdx.x)) {
    if (item_ < n_items_) open();
    for (int i = 0; i < Memory::kSlots - 1; ++i) fetch();
  }
  // The codes of the next block: of tile t of the two.
  __device__ __forceinline__ void next() {
    wait_for_copies<Memory::kSlots - 2>();
    __syncwarp();  // scales came by other lanes; and all have read the slot that is filled now
    read_slot_ = read_slot_ + 1 == Memory::kSlots ? 0 : read_slot_ + 1;
    fetch();
  }
  __device__ __forceinline__ const std::byte* slot(int t) const {
    return memory_.codes[warp_][read_slot_][t];
  }

 private:
  __device__ __forceinline__ void open() {
    const TileItem item(args_, item_);
    for (int t = 0; t < 2; ++t) {
      const int tile = min(item.first_tile + warp_ * 2 + t, args_.n_tiles - 1);
      tiles_[t].base = item.matrix + std::int64_t{tile} * args_.n_blocks *
                                         block_info(Blocks::kFormat).block_bytes;
    }
  }
  __device__ __forceinline__ void fetch() {
    if (item_ < n_items_) {
#pragma unroll
      for (int t = 0; t < 2; ++t)
        Blocks::fetch(memory_.codes[warp_][fetch_slot_][t], tiles_[t], block_, lane_);
      if (++block_ == args_.n_blocks) {
        block_ = 0;
        item_ += static_cast<int>(gridDim.x);
        if (item_ < n_items_) open();
      }
    }
    commit_copies();  // also of nothing: groups are counted
    fetch_slot_ = fetch_slot_ + 1 == Memory::kSlots ? 0 : fetch_slot_ + 1;
  }

  const TileArgs& args_;
  Memory& memory_;
  int n_items_, warp_, lane_;
  int item_, block_ = 0, fetch_slot_ = 0, read_slot_ = -1;
  TilePointer tiles_[2] = {};
};

// Where 16 bytes, eight columns of a row, stand in a tile of 128-byte rows.
__device__ __forceinline__ int chunk_place(int row, int chunk) {
  return row * 128 + (chunk ^ row % 8) * 16;
}

// Where a thread copies its 16 bytes of a row to: columns 8 c.. of 32. kSliced: in the order of
// launch_linear, whose first step of 16 columns takes 4 of each 8, and whose second the others.
template <bool kSliced>
struct CopyPlaces {
  int first, second;
  __device__ CopyPlaces(int row, int chunk) {
    const int unit = chunk / 4 * 4, half = chunk % 2 * 8;
    first = kSliced ? chunk_place(row, unit + chunk % 4 / 2) + half : chunk_place(row, chunk);
    second = chunk_place(row, unit + 2 + chunk % 4 / 2) + half;
  }
  __device__ __forceinline__ void copy(std::byte* to, const void* from) const {
    if constexpr (kSliced) {
      copy_async_8(to + first, from);
      copy_async_8(to + second, static_cast<const std::byte*>(from) + 8);
    } else {
      copy_async_16(to + first, from);
    }
  }
};

// The rows of x of a chunk: eight threads copy a row, 16 rows at once.
struct TileRows {
  static constexpr int kTimes = kMaxTileRows / 16;
  std::uint32_t offsets[kTimes];  // of this thread's rows, in 8 elements
  int n_times;

  __device__ TileRows(const TileArgs& args, const TileItem& item, int thread)
      : n_times((item.n_rows + 15) / 16) {
#pragma unroll
    for (int i = 0; i < kTimes; ++i) {
      if (i >= n_times) break;
      const int row = item.first_row + min(i * 16 + thread / 8, item.n_rows - 1);
      const int from = args.tokens == nullptr ? row : args.tokens[row];
      offsets[i] = static_cast<std::uint32_t>(from) * args.x_stride;
    }
  }
  // What lies behind the last row is nobody's, as its results are.
  template <bool kSliced>
  __device__ __forceinline__ void copy(const TileArgs& args, std::byte* to, int step,
                                       int thread) const {
    const __nv_bfloat16* x = args.x + step * kTileColumns + thread % 8 * 8;
    const CopyPlaces<kSliced> places(thread / 8, thread % 8);
#pragma unroll
    for (int i = 0; i < kTimes; ++i) {
      if (i >= n_times) break;
      places.copy(to + i * 16 * 128, x + std::int64_t{offsets[i]} * 8);
    }
  }
};

// bf16 weights of a step, as they lie.
template <bool kSliced>
__device__ __forceinline__ void copy_weights(const TileArgs& args, const TileItem& item,
                                             std::byte* to, int step, int thread) {
  const std::int64_t row_bytes = std::int64_t{args.n_blocks} * 128;
  const std::byte* from = item.matrix + step * 128 + thread % 8 * 16;
  const int first_row = item.first_tile * kRowTile, last_row = args.n_tiles * kRowTile - 1;
  const CopyPlaces<kSliced> places(thread / 8, thread % 8);
#pragma unroll
  for (int i = 0; i < kTileRows / 16; ++i) {
    const int row = min(first_row + i * 16 + thread / 8, last_row);
    places.copy(to + i * 16 * 128, from + row * row_bytes);
  }
}

// The weights of a step from the codes of two tiles of 16 rows. sub: the block's 64 columns.
template <typename Blocks>
__device__ __forceinline__ void unpack_weights(const CodeCursor<Blocks>& codes, std::byte* to,
                                               int sub, int thread) {
  const int warp = thread / 32, lane = thread % 32, g = lane / 4, c = lane % 4;
#pragma unroll
  for (int t = 0; t < 2; ++t) {
    const typename Blocks::Registers w = Blocks::read(codes.slot(t), lane);
#pragma unroll
    for (int i = 0; i < Blocks::kColumns / 32; ++i) {
      if (i / 2 != sub) continue;
      const Unit unit = Blocks::unit(w, i);
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int row = (warp * 2 + t) * kRowTile + h * 8 + g;
        const uint4 values = row_of_unit(unit, h);
        if constexpr (Blocks::kSmallGroups) {
          std::byte* half = to + c % 2 * 8;
          *reinterpret_cast<uint2*>(half + chunk_place(row, i % 2 * 4 + c / 2)) = {values.x,
                                                                                   values.y};
          *reinterpret_cast<uint2*>(half + chunk_place(row, i % 2 * 4 + 2 + c / 2)) = {values.z,
                                                                                       values.w};
        } else {
          *reinterpret_cast<uint4*>(to + chunk_place(row, i % 2 * 4 + c)) = values;
        }
      }
    }
  }
  order_before_copy_engine();
}

template <typename Blocks, bool kSliced>
__device__ void produce_tiles(const TileArgs& args, TileMemory<Blocks>& memory, int n_items,
                              int thread) {
  using Memory = TileMemory<Blocks>;
  constexpr int kSteps = Blocks::kColumns / kTileColumns;  // of a block
  RingPlace<Memory::kStages> place;
  const auto fill = [&](const TileRows& rows, int step, const auto& write_weights) {
    wait_barrier(memory.free + place.stage, place.parity ^ 1);
    rows.template copy<kSliced>(args, memory.rows[place.stage], step, thread);
    write_weights(memory.weights[place.stage]);
    arrive_after_copies(memory.full + place.stage);
    if constexpr (!Memory::kIsBf16) arrive(memory.full + place.stage);
    place.next();
  };
  if constexpr (Memory::kIsBf16) {
    for (int i = static_cast<int>(blockIdx.x); i < n_items; i += static_cast<int>(gridDim.x)) {
      const TileItem item(args, i);
      const TileRows rows(args, item, thread);
      for (int slice = 0; slice < args.n_slices; ++slice) {
        for (int step = slice; step < args.n_blocks; step += args.n_slices)
          fill(rows, step,
               [&](std::byte* to) { copy_weights<kSliced>(args, item, to, step, thread); });
      }
    }
  } else {
    CodeCursor<Blocks> codes(args, memory, n_items, thread);
    for (int i = static_cast<int>(blockIdx.x); i < n_items; i += static_cast<int>(gridDim.x)) {
      const TileRows rows(args, TileItem(args, i), thread);
      for (int block = 0; block < args.n_blocks; ++block) {
        codes.next();
#pragma unroll
        for (int sub = 0; sub < kSteps; ++sub) {
          fill(rows, block * kSteps + sub,
               [&](std::byte* to) { unpack_weights<Blocks>(codes, to, sub, thread); });
        }
      }
    }
  }
}

// --- the consumers ---

// A value of y, or of gate and up: row `row` of y.
__device__ __forceinline__ void write_value(const TileArgs& args, std::int64_t row, int column,
                                            float value) {
  if (column >= args.n_results) return;
  if (args.bias != nullptr) value += args.bias[column];
  float* at = args.out + row * args.stride + column;
  *at = args.output == TileOutput::add ? *at + value : value;
}
__device__ __forceinline__ void write_gate(const TileArgs& args, std::int64_t row, int column,
                                           float gate, float up) {
  if (column >= args.n_results) return;
  if (args.bias != nullptr) {
    gate += args.bias[column];
    up += args.bias[args.n_results + column];
  }
  const float gated = args.weights == nullptr ? silu(gate) : args.weights[row] * silu(gate);
  args.gated[row * args.stride + column] = __float2bfloat16(gated * up);
}

// What a thread has of y^T: columns 8 j + 2 (lane % 4) + {0, 1} of rows lane / 4 and lane / 4 + 8.
template <int kRows>
__device__ __forceinline__ void write_tile(const TileArgs& args, const TileItem& item, int tile,
                                           const float (&sums)[kRows / 2], int lane) {
  if (tile >= args.n_tiles) return;
  const bool gate = args.output == TileOutput::gate;
  const int column = gate ? tile * 8 + lane / 4 : tile * kRowTile + lane / 4;
#pragma unroll
  for (int j = 0; j < kRows / 8; ++j) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = j * 8 + lane % 4 * 2 + i;
      if (row >= item.n_rows) continue;
      const std::int64_t y = item.first_row + row;
      const float first = sums[j * 4 + i], second = sums[j * 4 + 2 + i];
      if (gate) {
        write_gate(args, y, column, first, second);
      } else {
        write_value(args, y, column, first);
        write_value(args, y, column + 8, second);
      }
    }
  }
}

// One chain of a sum: n steps of the ring.
template <typename Blocks, int kRows>
__device__ __forceinline__ void add_chain(TileMemory<Blocks>& memory,
                                          RingPlace<TileMemory<Blocks>::kStages>& place, int n,
                                          int consumer, int lane, float (&sums)[kRows / 2]) {
  int before = 0;
#pragma unroll
  for (float& sum : sums) sum = 0.0f;
  for (int step = 0; step < n; ++step) {
    wait_barrier(memory.full + place.stage, place.parity);
    order_before_copy_engine();
    const std::uint32_t weights = shared_address(memory.weights[place.stage]) +
                                  static_cast<std::uint32_t>(consumer * 64 * 128);
    const std::uint32_t rows = shared_address(memory.rows[place.stage]);
    pin_registers(sums);
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < kTileColumns / 16; ++k)
      wgmma_ss(sums, matrix_descriptor(weights + k * 32, 16, 1024),
               matrix_descriptor(rows + k * 32, 16, 1024), true);
    wgmma_commit();
    wgmma_wait<1>();
    if (step > 0 && lane == 0) arrive(memory.free + before);  // the step before has been read
    before = place.stage;
    place.next();
  }
  wgmma_wait<0>();
  pin_registers(sums);
  if (lane == 0) arrive(memory.free + before);
}

// kRows: rows of x, the item's rounded up.
template <typename Blocks, bool kSliced, int kRows>
__device__ __forceinline__ void consume_item(const TileArgs& args, TileMemory<Blocks>& memory,
                                             RingPlace<TileMemory<Blocks>::kStages>& place,
                                             const TileItem& item, int consumer, int thread) {
  const int lane = thread % 32, tile = item.first_tile + consumer * 4 + thread / 32;
  float sums[kRows / 2];
  if constexpr (!kSliced) {
    const int n_steps = args.n_blocks * (Blocks::kColumns / kTileColumns);
    add_chain<Blocks, kRows>(memory, place, n_steps, consumer, lane, sums);
    write_tile<kRows>(args, item, tile, sums, lane);
  } else {
    float total[kRows / 2];
#pragma unroll
    for (float& value : total) value = 0.0f;
    for (int slice = 0; slice < args.n_slices; ++slice) {
      const int n_steps = (args.n_blocks - slice + args.n_slices - 1) / args.n_slices;
      add_chain<Blocks, kRows>(memory, place, n_steps, consumer, lane, sums);
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) total[i] += sums[i];
    }
    write_tile<kRows>(args, item, tile, total, lane);
  }
}

template <typename Blocks, bool kSliced>
__device__ void consume_tiles(const TileArgs& args, TileMemory<Blocks>& memory, int n_items,
                              int consumer, int thread) {
  RingPlace<TileMemory<Blocks>::kStages> place;
  for (int i = static_cast<int>(blockIdx.x); i < n_items; i += static_cast<int>(gridDim.x)) {
    const TileItem item(args, i);
    const auto consume = [&]<int kRows>() {
      consume_item<Blocks, kSliced, kRows>(args, memory, place, item, consumer, thread);
    };
    if (item.n_rows <= 64) {
      consume.template operator()<64>();
    } else if (kSliced || item.n_rows <= 128) {
      consume.template operator()<128>();
    } else if (item.n_rows <= 192) {
      consume.template operator()<192>();
    } else {
      consume.template operator()<256>();
    }
  }
}

template <typename Blocks, bool kSliced>
__global__ void __launch_bounds__(kTileThreads, 1) tile_product_kernel(const TileArgs args) {
#ifdef TINYLLM_HAS_WGMMA
  using Memory = TileMemory<Blocks>;
  extern __shared__ __align__(1024) unsigned char bytes[];
  auto& memory = *reinterpret_cast<Memory*>(bytes);
  let_next_kernel_start();
  if (threadIdx.x == 0) {
    for (int i = 0; i < Memory::kStages; ++i) {
      init_barrier(memory.full + i, Memory::kIsBf16 ? 128 : 256);
      init_barrier(memory.free + i, 8);  // warps that have read
    }
    publish_barriers();
  }
  __syncthreads();
  wait_for_previous_kernel();
  const int n_items = args.count_chunks() * args.count_groups();
  const int warpgroup = static_cast<int>(threadIdx.x) / 128;
  if (warpgroup == 0) {
    give_registers<120>();  // 120 + 2 x 192 = 3 x 168, what the block was launched with
    produce_tiles<Blocks, kSliced>(args, memory, n_items, static_cast<int>(threadIdx.x));
    wait_for_copies<0>();
  } else {
    take_registers<192>();
    consume_tiles<Blocks, kSliced>(args, memory, n_items, warpgroup - 1,
                                   static_cast<int>(threadIdx.x) % 128);
  }
#endif
}

// max_chunks: as many there may be.
template <typename Blocks, bool kSliced>
void launch_tiles(const DeviceContext& context, const TileArgs& args, int max_chunks) {
  static_assert(sizeof(TileMemory<Blocks>) <= 227 * 1024);
  static_assert(!kSliced || TileMemory<Blocks>::kIsBf16);
  const std::int64_t n_groups = (args.n_tiles * kRowTile + kTileRows - 1) / kTileRows;
  LaunchShape shape;
  shape.grid =
      dim3(static_cast<unsigned>(std::min(max_chunks * n_groups, std::int64_t{context.n_sms()})));
  shape.block = dim3(kTileThreads);
  shape.shared_bytes = sizeof(TileMemory<Blocks>);
  launch(context, "tile product", tile_product_kernel<Blocks, kSliced>, shape, args);
}

}  // namespace tinyllm::cuda
