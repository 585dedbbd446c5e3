#pragma once
// What the pieces of decode_attention.cu share: the launch's parameters, the block's shared memory,
// and how a segment of the plan is read.

#include <cuda_bf16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/attention_plan.h"
#include "kernels/cuda/kv_layout.h"

namespace tinyllm::cuda::decode {

// What a launch is given.
struct Params {
  const __nv_bfloat16* pages;
  const std::int32_t* blocks;
  const AttentionSegment* segments;
  const std::int32_t* slot_starts;
  float* parts;
  float2* part_sums;
  std::int32_t* counters;  // of finished parts; 0 before and after the launch
  const __nv_bfloat16* q;
  __nv_bfloat16* out;
  std::int32_t n_heads, n_kv_heads, group_size;
  std::int32_t groups_per_block;  // block_size / 16
  std::int32_t window;
  float scale_log2;  // scale * log2(e): the softmax is one of powers of two
};

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * 32;

// Groups that each warp has on their way: 192 KB in all, what is left goes to the merge of warps.
constexpr int stages_of(int head_dim) {
  const int n = 192 * 1024 / (kWarps * kv_group_elems(head_dim) * 2);
  return n > 8 ? 8 : n;
}

template <int kHeadDim>
struct Shared {
  static constexpr int kGroupBytes = kv_group_elems(kHeadDim) * 2;
  static constexpr int kStages = stages_of(kHeadDim);
  static constexpr int kRowStride = kHeadDim + 4;  // f32; + 4: rows fall into different banks
  std::byte rings[kWarps][kStages * kGroupBytes];
  union {  // one after the other: the tiles' queries, laid out like a group's keys; then 8 rows of
           // each warp's result at a time
    std::byte q[2][kKvGroup * kHeadDim * 2];
    float sums[kWarps][8][kRowStride];
  };
  float2 row_max_sum[kWarps][8];
  std::uint64_t barriers[kWarps][kStages];
};

// A segment of the plan in the registers of a warp, one word a lane: loaded long before it is read.
struct SegmentWords {
  static constexpr int kWords = sizeof(AttentionSegment) / 4;
  std::int32_t word = 0;

  __device__ __forceinline__ void load(const AttentionSegment* segments, int idx, int end,
                                       int lane) {
    if (idx < end && lane < kWords)
      word = reinterpret_cast<const std::int32_t*>(segments + idx)[lane];
  }
  template <std::int32_t AttentionSegment::*member>
  __device__ __forceinline__ std::int32_t get() const {
    constexpr AttentionSegment kPlaces = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    return __shfl_sync(~0u, word, kPlaces.*member);
  }
  __device__ __forceinline__ AttentionSegment whole() const {
    using S = AttentionSegment;
    return {get<&S::first_token>(), get<&S::first_position>(), get<&S::block_begin>(),
            get<&S::row_begin>(),   get<&S::n_rows>(),         get<&S::group_begin>(),
            get<&S::group_end>(),   get<&S::part_begin>(),     get<&S::n_parts>(),
            get<&S::part_idx>(),    get<&S::merge_idx>(),      get<&S::merger>()};
  }
};

}  // namespace tinyllm::cuda::decode
