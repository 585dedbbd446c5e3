#pragma once
// "Which candidate is the k-th, or the first whose summed mass reaches a target?" without a sort of
// the row: a table of bins that follow the order tells in which bin it stands; only the candidates
// of that bin are gathered and sorted.
//
//   order of candidates   |  bin 0  | bin 1 |   bin 2   | ...        likelier first
//   count, mass           |  prefix sums over the bins ...
//   target                                 ^ gather bin 2, sort it, go through it
//
// A bin that holds more than the buffer takes (thousands of nearly equal logits) is cut finer by
// the bits of the order key until it fits. One row is the work of a cluster of blocks (or of one
// block) of kSelectThreads threads: each block goes through a part of the row, the first one
// gathers and sorts. Every call is made by all threads of all blocks.

#include <cstdint>

#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/sampling_math.cuh"

namespace tinyllm::cuda {

inline constexpr int kSelectThreads = 1024;
inline constexpr int kSelectBuffer = 4096;
inline constexpr int kBinsAThread = kMassBins / kSelectThreads;
static_assert(kBinsAThread == 2 && kSelectThreads == 32 * 32);

// A beginning of the order: what it holds, and the key of its last candidate.
struct Prefix {
  std::uint64_t key = 0;
  std::uint64_t mass = 0;
  std::uint32_t count = 0;
};

// The same place in the shared memory of the cluster's first block.
template <typename T>
__device__ __forceinline__ T* in_first_block(T* pointer) {
#if __CUDA_ARCH__ >= 900
  T* mapped;
  asm volatile("mapa.u64 %0, %1, 0;" : "=l"(mapped) : "l"(pointer));
  return mapped;
#else
  return pointer;
#endif
}

// All threads of all blocks that share a row.
__device__ __forceinline__ void sync_row(int n_blocks) {
  if (n_blocks == 1) {
    __syncthreads();
  } else {
    cluster_barrier();
  }
}

enum class SelectBy : int { count, mass };

struct BinTable {
  std::uint32_t counts[kMassBins];  // running sums after make_running_sums()
  std::uint64_t masses[kMassBins];
};

struct SelectMemory {
  BinTable coarse, fine;
  std::uint64_t keys[kSelectBuffer];
  std::uint64_t warp_masses[kSelectThreads / 32];
  std::uint32_t warp_counts[kSelectThreads / 32];
  Prefix found;
  std::uint64_t least_key, largest_key;
  std::uint64_t random;  // of the row's draw
  std::uint32_t n_keys;
  int bin;
};

// Inclusive running sums of (count, mass) over the warp's lanes.
__device__ inline void scan_warp(std::uint32_t& count, std::uint64_t& mass) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int offset = 1; offset < 32; offset *= 2) {
    const std::uint32_t c = __shfl_up_sync(~0u, count, offset);
    const std::uint64_t m = __shfl_up_sync(~0u, mass, offset);
    if (lane >= offset) {
      count += c;
      mass += m;
    }
  }
}

// The same over the block's threads.
__device__ inline void scan_block(SelectMemory& memory, std::uint32_t& count, std::uint64_t& mass) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  scan_warp(count, mass);
  if (lane == 31) {
    memory.warp_counts[warp] = count;
    memory.warp_masses[warp] = mass;
  }
  __syncthreads();
  if (warp == 0) {
    std::uint32_t c = memory.warp_counts[lane];
    std::uint64_t m = memory.warp_masses[lane];
    scan_warp(c, m);
    memory.warp_counts[lane] = c;
    memory.warp_masses[lane] = m;
  }
  __syncthreads();
  if (warp > 0) {
    count += memory.warp_counts[warp - 1];
    mass += memory.warp_masses[warp - 1];
  }
  __syncthreads();
}

__device__ inline void make_running_sums(SelectMemory& memory, BinTable& table) {
  const int first = threadIdx.x * kBinsAThread;
  const std::uint32_t second_count = table.counts[first + 1];
  const std::uint64_t second_mass = table.masses[first + 1];
  std::uint32_t count = table.counts[first] + second_count;
  std::uint64_t mass = table.masses[first] + second_mass;
  scan_block(memory, count, mass);
  table.counts[first] = count - second_count;
  table.masses[first] = mass - second_mass;
  table.counts[first + 1] = count;
  table.masses[first + 1] = mass;
  __syncthreads();
}

__device__ inline void clear_table(BinTable& table) {
  for (int i = threadIdx.x; i < kMassBins; i += kSelectThreads) {
    table.counts[i] = 0;
    table.masses[i] = 0;
  }
  __syncthreads();
}

// Calls use(logit, id) for the ids of the row that are this block's, spread over its threads.
template <typename Use>
__device__ void for_each_logit(const float* row, int vocab_size, int block, int n_blocks,
                               const Use& use) {
  constexpr int kAtOnce = 4, kIds = kSelectThreads * 4 * kAtOnce;
  for (int first = block * kIds; first < vocab_size; first += n_blocks * kIds) {
    float4 values[kAtOnce];
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int id = first + (i * kSelectThreads + static_cast<int>(threadIdx.x)) * 4;
      if (id < vocab_size) values[i] = load_logits(row, id, vocab_size);
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int id = first + (i * kSelectThreads + static_cast<int>(threadIdx.x)) * 4;
      const float x[4] = {values[i].x, values[i].y, values[i].z, values[i].w};
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if (id + j < vocab_size) use(x[j], id + j);
      }
    }
  }
}

// One row, its masses and its table of bins.
class RowSelector {
 public:
  // Block `block` of the n_blocks that share the row.
  __device__ RowSelector(SelectMemory& memory, const float* row, int vocab_size,
                         const MassScale& scale, int block, int n_blocks)
      : memory_(memory),
        row_(row),
        vocab_size_(vocab_size),
        scale_(scale),
        block_(block),
        n_blocks_(n_blocks) {}

  // All candidates. After make_running_sums(coarse).
  __device__ Prefix whole() const {
    return {~std::uint64_t{0}, memory_.coarse.masses[kMassBins - 1],
            memory_.coarse.counts[kMassBins - 1]};
  }

  // The smallest beginning that holds `target` candidates, or as much mass. 1 <= target <= that of
  // the whole.
  __device__ Prefix select(SelectBy by, std::uint64_t target) {
    const Prefix before = find_bin(memory_.coarse, by, target);
    const int bin = memory_.bin;
    if (bin != gathered_bin_) {
      gathered_before_ = before;
      if (count_of(memory_.coarse, bin) <= kSelectBuffer) {
        gather(bin, 0, ~std::uint64_t{0});
        gathered_bin_ = bin;
      } else {
        gathered_before_ = narrow(bin, by, target, before);
        gathered_bin_ = -1;
      }
      if (block_ == 0 && memory_.n_keys > 32) sort_keys();
    }
    if (block_ == 0) {
      if (memory_.n_keys > 32) {
        go_through(by, target, gathered_before_);
      } else if (threadIdx.x < 32) {
        go_through_few(by, target, gathered_before_);
      }
    }
    sync_row(n_blocks_);
    const Prefix found = *in_first_block(&memory_.found);
    sync_row(n_blocks_);
    return found;
  }

  // memory.keys of the first block = the row's keys up to `last`, sorted; at most kSelectBuffer.
  __device__ void gather_up_to(std::uint64_t last) {
    gather(-1, 0, last);
    if (block_ == 0) sort_keys();
    gathered_bin_ = -1;
  }

 private:
  __device__ static std::uint32_t count_of(const BinTable& table, int bin) {
    return table.counts[bin] - (bin > 0 ? table.counts[bin - 1] : 0);
  }

  // Sets memory.bin to the bin that reaches the target; what stands before it, all threads alike.
  __device__ Prefix find_bin(const BinTable& table, SelectBy by, std::uint64_t target) {
    for (int i = threadIdx.x; i < kMassBins; i += kSelectThreads) {
      const std::uint64_t up_to = by == SelectBy::count ? table.counts[i] : table.masses[i];
      const std::uint64_t before = i == 0                  ? 0
                                   : by == SelectBy::count ? table.counts[i - 1]
                                                           : table.masses[i - 1];
      if (before < target && target <= up_to) memory_.bin = i;
    }
    __syncthreads();
    const int bin = memory_.bin;
    if (bin == 0) return {};
    return {0, table.masses[bin - 1], table.counts[bin - 1]};
  }

  // Whether a candidate counts and stands in the bin (-1: any).
  __device__ bool is_in(float logit, int bin) const {
    const float exponent = scale_.exponent(logit);
    if (bin >= 0 && scale_.bin(exponent) != bin) return false;
    return scale_.least == 0 || scale_.mass(exponent) >= scale_.least;
  }

  // Logits outside of it are not in the bin, or behind the last key; those inside are looked at in
  // earnest.
  struct Range {
    float least = -INFINITY, largest = INFINITY;
  };
  __device__ Range range_of(int bin, std::uint64_t last) const {
    if (bin < 0) return {last == ~std::uint64_t{0} ? -INFINITY : logit_of(last), INFINITY};
    if (!(scale_.max < INFINITY)) return {};
    const float a_bin = 40.0f / kMassBins / scale_.scale;  // of the logits
    const auto bound = [&](float place, float side) {
      const float x = scale_.max - place * a_bin;
      return x + side * 4.0e-7f * (fabsf(x) + fabsf(scale_.max));
    };
    const float at = static_cast<float>(bin);
    return {bin == kMassBins - 1 ? -INFINITY : bound(at + 1.01f, -1.0f),
            bin == 0 ? INFINITY : bound(at - 0.01f, 1.0f)};
  }

  // To the first block, in any order.
  __device__ void gather(int bin, std::uint64_t first, std::uint64_t last) {
    const Range range = range_of(bin, last);
    if (threadIdx.x == 0) memory_.n_keys = 0;
    sync_row(n_blocks_);
    std::uint32_t* n_keys = in_first_block(&memory_.n_keys);
    std::uint64_t* keys = in_first_block(memory_.keys);
    for_each_logit(row_, vocab_size_, block_, n_blocks_, [&](float logit, int id) {
      if (!(logit >= range.least && logit <= range.largest) || !is_in(logit, bin)) return;
      const std::uint64_t key = order_key(logit, id);
      if (key < first || key > last) return;
      const std::uint32_t place = atomicAdd(n_keys, 1u);
      if (place < kSelectBuffer) keys[place] = key;
    });
    sync_row(n_blocks_);
  }

  // The bin holds too many: its range of keys is cut into equal parts, again and again; every block
  // does it for the whole row, it is rare. What stands before the part that was gathered.
  __device__ Prefix narrow(int bin, SelectBy by, std::uint64_t target, Prefix before) {
    if (threadIdx.x == 0) {
      memory_.least_key = ~std::uint64_t{0};
      memory_.largest_key = 0;
    }
    __syncthreads();
    std::uint64_t least = ~std::uint64_t{0}, largest = 0;
    for_each_logit(row_, vocab_size_, 0, 1, [&](float logit, int id) {
      if (!is_in(logit, bin)) return;
      const std::uint64_t key = order_key(logit, id);
      least = key < least ? key : least;
      largest = key > largest ? key : largest;
    });
    atomicMin(reinterpret_cast<unsigned long long*>(&memory_.least_key), least);
    atomicMax(reinterpret_cast<unsigned long long*>(&memory_.largest_key), largest);
    __syncthreads();
    std::uint64_t first = memory_.least_key, last = memory_.largest_key;
    while (true) {
      const int n_bits = 64 - __clzll(static_cast<long long>(last - first));
      const int shift = n_bits > 11 ? n_bits - 11 : 0;
      fill_fine(bin, first, last, shift);
      const std::uint64_t done = by == SelectBy::count ? before.count : before.mass;
      const Prefix in_front = find_bin(memory_.fine, by, target - done);
      const int part = memory_.bin;
      before.count += in_front.count;
      before.mass += in_front.mass;
      first += static_cast<std::uint64_t>(part) << shift;
      const std::uint64_t end = first + ((std::uint64_t{1} << shift) - 1);
      last = end < last ? end : last;
      if (count_of(memory_.fine, part) <= kSelectBuffer) break;
      __syncthreads();
    }
    __syncthreads();
    gather(bin, first, last);
    return before;
  }

  __device__ void fill_fine(int bin, std::uint64_t first, std::uint64_t last, int shift) {
    clear_table(memory_.fine);
    for_each_logit(row_, vocab_size_, 0, 1, [&](float logit, int id) {
      if (!is_in(logit, bin)) return;
      const std::uint64_t key = order_key(logit, id);
      if (key < first || key > last) return;
      const int part = static_cast<int>((key - first) >> shift);
      atomicAdd(memory_.fine.counts + part, 1u);
      atomicAdd(reinterpret_cast<unsigned long long*>(memory_.fine.masses + part),
                scale_.mass(scale_.exponent(logit)));
    });
    __syncthreads();
    make_running_sums(memory_, memory_.fine);
  }

  // Bitonic, ascending; padded to a power of two with the largest key.
  __device__ void sort_keys() {
    const int n = static_cast<int>(memory_.n_keys);
    int size = 2;
    while (size < n) size *= 2;
    for (int i = n + static_cast<int>(threadIdx.x); i < size; i += kSelectThreads)
      memory_.keys[i] = ~std::uint64_t{0};
    __syncthreads();
    for (int run = 2; run <= size; run *= 2) {
      for (int distance = run / 2; distance > 0; distance /= 2) {
        for (int i = threadIdx.x; i < size / 2; i += kSelectThreads) {
          const int a = i / distance * distance * 2 + i % distance, b = a + distance;
          const bool ascending = (a & run) == 0;
          const std::uint64_t x = memory_.keys[a], y = memory_.keys[b];
          if ((x > y) != ascending) continue;
          memory_.keys[a] = y;
          memory_.keys[b] = x;
        }
        __syncthreads();
      }
    }
  }

  // The same as sort_keys and go_through for up to 32 keys, by one warp.
  __device__ void go_through_few(SelectBy by, std::uint64_t target, const Prefix& before) {
    const int lane = threadIdx.x, n = static_cast<int>(memory_.n_keys);
    std::uint64_t key = lane < n ? memory_.keys[lane] : ~std::uint64_t{0};
    int place = 0;
    for (int i = 0; i < n; ++i) place += __shfl_sync(~0u, key, i) < key ? 1 : 0;
    __syncwarp();
    if (lane < n) memory_.keys[place] = key;
    __syncwarp();
    key = lane < n ? memory_.keys[lane] : ~std::uint64_t{0};
    std::uint64_t mass = lane < n ? scale_.mass(scale_.exponent(logit_of(key))) : 0;
    std::uint32_t count = lane < n ? 1 : 0;
    scan_warp(count, mass);
    const Prefix at = {key, before.mass + mass, before.count + count};
    const bool reached = lane < n && (by == SelectBy::count ? at.count : at.mass) >= target;
    const unsigned lanes = __ballot_sync(~0u, reached);
    if (lanes != 0 && lane == __ffs(static_cast<int>(lanes)) - 1) memory_.found = at;
  }

  // Through the gathered candidates in their order, to memory.found.
  __device__ void go_through(SelectBy by, std::uint64_t target, const Prefix& before) {
    constexpr int kAThread = kSelectBuffer / kSelectThreads;
    const int n = static_cast<int>(memory_.n_keys), first = threadIdx.x * kAThread;
    std::uint64_t masses[kAThread], mass = 0;
    std::uint32_t count = 0;
#pragma unroll
    for (int i = 0; i < kAThread; ++i) {
      masses[i] =
          first + i < n ? scale_.mass(scale_.exponent(logit_of(memory_.keys[first + i]))) : 0;
      mass += masses[i];
      count += first + i < n ? 1 : 0;
    }
    const std::uint64_t own_mass = mass;
    const std::uint32_t own_count = count;
    scan_block(memory_, count, mass);
    Prefix at = {0, before.mass + mass - own_mass, before.count + count - own_count};
#pragma unroll
    for (int i = 0; i < kAThread; ++i) {
      if (first + i >= n) break;
      const bool reached_before = (by == SelectBy::count ? at.count : at.mass) >= target;
      at = {memory_.keys[first + i], at.mass + masses[i], at.count + 1};
      const bool reached = (by == SelectBy::count ? at.count : at.mass) >= target;
      if (reached && !reached_before) memory_.found = at;
    }
  }

  SelectMemory& memory_;
  const float* row_;
  int vocab_size_;
  MassScale scale_;
  int block_, n_blocks_;
  int gathered_bin_ = -1;   // whose candidates stand sorted in memory.keys; -1: none
  Prefix gathered_before_;  // what stands before them
};

}  // namespace tinyllm::cuda
