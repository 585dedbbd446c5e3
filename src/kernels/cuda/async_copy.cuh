#pragma once
// A ring of buffers in shared memory that one warp fills ahead and reads in order: while it works
// on one piece the next kStages - 1 are on their way. On Hopper the copy engine does it, one
// instruction a piece (cp.async.bulk, completing on an mbarrier); on older devices all lanes copy
// 16 bytes at a time (cp.async). The warp is its own producer, so that no other warp waits for it.

#include <cstdint>

#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {

__device__ __forceinline__ void init_barrier(std::uint64_t* barrier, int n_arrivals) {
#if __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(n_arrivals)
               : "memory");
#endif
}

// After init_barrier, before the first copy: the copy engine sees the barriers.
__device__ __forceinline__ void publish_barriers() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}

// What this thread wrote to shared memory by plain stores is ordered before what the copy engine
// writes there, and wgmma reads there, later.
__device__ __forceinline__ void order_before_copy_engine() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

__device__ __forceinline__ void expect_bytes(std::uint64_t* barrier, std::uint32_t n_bytes) {
#if __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(n_bytes)
               : "memory");
#endif
}

// n_bytes is a multiple of 16. One thread.
__device__ __forceinline__ void copy_bulk(void* shared, const void* global, std::uint32_t n_bytes,
                                          std::uint64_t* barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(shared)),
      "l"(global), "r"(n_bytes), "r"(shared_address(barrier))
      : "memory");
#endif
}

// The same for data that is read once a step (evict_first_policy): what is small stays in L2.
__device__ __forceinline__ void copy_bulk_once(void* shared, const void* global,
                                               std::uint32_t n_bytes, std::uint64_t* barrier,
                                               std::uint64_t policy) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], "
      "[%1], "
      "%2, [%3], %4;" ::"r"(shared_address(shared)),
      "l"(global), "r"(n_bytes), "r"(shared_address(barrier)), "l"(policy)
      : "memory");
#endif
}

__device__ __forceinline__ void arrive(std::uint64_t* barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.arrive.shared.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
#endif
}

// Arrives when this thread's copies so far (copy_async_16) have come. The reader orders them before what
// its tensor cores read with order_before_copy_engine.
__device__ __forceinline__ void arrive_after_copies(std::uint64_t* barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(shared_address(barrier))
               : "memory");
#endif
}

__device__ __forceinline__ void wait_barrier(std::uint64_t* barrier, std::uint32_t parity) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra.uni over;\n"
      "bra.uni again;\n"
      "over:\n"
      "}" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
#endif
}

// kPieceBytes: of one piece, a multiple of 512. kStages: pieces on their way, or being read.
template <int kPieceBytes, int kStages>
class WarpRing {
 public:
  static constexpr int kBytes = kPieceBytes * kStages;

  // buffer: kBytes of shared memory, 128-byte aligned. barriers: [kStages] of shared memory.
  __device__ WarpRing(std::byte* buffer, std::uint64_t* barriers, int lane)
      : buffer_(buffer), barriers_(barriers), lane_(lane) {
    if (lane == 0) {
      for (int i = 0; i < kStages; ++i) init_barrier(barriers + i, 1);
      publish_barriers();
    }
    __syncwarp();
  }

  // Starts to fill the next free buffer. nullptr: nothing to come, but the count goes on.
  __device__ __forceinline__ void fetch(const void* source) {
    std::byte* target = buffer_ + fetch_stage_ * kPieceBytes;
#if __CUDA_ARCH__ >= 900
    if (source != nullptr && lane_ == 0) {
      expect_bytes(barriers_ + fetch_stage_, kPieceBytes);
      copy_bulk_once(target, source, kPieceBytes, barriers_ + fetch_stage_, evict_first_policy());
    }
#else
    if (source != nullptr) {
#pragma unroll
      for (int i = 0; i < kPieceBytes / 512; ++i) {
        const int offset = (i * 32 + lane_) * 16;
        copy_async_16(target + offset, static_cast<const std::byte*>(source) + offset);
      }
    }
    commit_copies();
#endif
    fetch_stage_ = fetch_stage_ + 1 == kStages ? 0 : fetch_stage_ + 1;
  }

  // Waits for the oldest piece and gives its place.
  __device__ __forceinline__ std::byte* wait() {
#if __CUDA_ARCH__ >= 900
    wait_barrier(barriers_ + read_stage_, parity_);
#else
    wait_for_copies<kStages - 1>();
    __syncwarp();
#endif
    return buffer_ + read_stage_ * kPieceBytes;
  }

  // All lanes have read the oldest piece: its buffer is free.
  __device__ __forceinline__ void release() {
    __syncwarp();
    if (++read_stage_ == kStages) {
      read_stage_ = 0;
      parity_ ^= 1;
    }
  }

 private:
  std::byte* buffer_;
  std::uint64_t* barriers_;
  int lane_;
  int fetch_stage_ = 0, read_stage_ = 0;
  std::uint32_t parity_ = 0;
};

}  // namespace tinyllm::cuda
