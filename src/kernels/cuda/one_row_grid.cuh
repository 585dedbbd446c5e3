#pragma once
// What the blocks of the one-row kernel (one_row_step.cu) share: where their scratch is, and how they
// wait for each other.

#include "kernels/cuda/one_row_step.h"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {

inline constexpr int kMaxOneRowWarps = 12;
inline constexpr int kMaxOneRowGroup = 8;      // heads of a K/V head
inline constexpr int kMaxOneRowSplits = 4;     // of a tile's columns
inline constexpr int kMaxOneRowUnits = 6;      // units that a warp has a part of
inline constexpr int kMaxOneRowKvGroups = 64;  // groups of 16 positions of a block

struct OneRowArgs {
  OneRowShape shape;
  OneRowPlan plan;
  OneRowBuffers buffers;
};

// Floats of scratch, one after the other.
struct OneRowScratch {
  std::int64_t other_hidden, qkv, o, down, parts, part_sums, counters, end;
};

__host__ __device__ inline OneRowScratch one_row_scratch(const OneRowShape& s, int n_blocks) {
  const std::int64_t hidden = s.hidden_size, q = std::int64_t{s.n_heads} * s.head_dim;
  const std::int64_t max_splits = n_blocks / s.n_kv_heads + 1;
  OneRowScratch at{};
  at.qkv = at.other_hidden + padded_to(hidden, 64);
  at.o = at.qkv + kMaxOneRowSplits * padded_to(q + 2 * std::int64_t{s.n_kv_heads} * s.head_dim, 64);
  at.down = at.o + kMaxOneRowSplits * padded_to(hidden, 64);
  at.parts = at.down + kMaxOneRowSplits * padded_to(hidden, 64);
  at.part_sums = at.parts + max_splits * q;
  at.counters = at.part_sums + padded_to(max_splits * s.n_heads * 2, 64);
  at.end = at.counters + 64 + padded_to(s.n_kv_heads, 64);  // arrivals, departures; of K/V heads
  return at;
}

// Waits for all blocks; what any thread of them wrote before is seen after (through L2: __ldcg).
__device__ __forceinline__ void grid_barrier(unsigned* arrivals, unsigned& n_barriers) {
  ++n_barriers;
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(arrivals) : "memory");
    const unsigned wanted = n_barriers * gridDim.x;
    unsigned seen;
    do {
      asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(arrivals) : "memory");
    } while (seen < wanted);
  }
  __syncthreads();
}

__device__ __forceinline__ void prefetch_to_l2(const void* address) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
}

}  // namespace tinyllm::cuda
