#pragma once
// Which of the K/V pages' groups a warp of decode attention reads next. It runs ahead of the
// computation by the depth of the ring, over the ends of segments, and nothing that it needs is
// asked for when it is needed: descriptors and block numbers come one segment early.

#include "kernels/cuda/decode_params.cuh"

namespace tinyllm::cuda::decode {

// The groups of a slot that one warp reads, in order, over all segments. Blocks of 32 groups are
// looked up at once, one a lane, and the next segment's before they are needed.
struct Cursor {
  const Params& p;
  int lane, warp, kv_head;
  int segment_idx, segment_end;
  int group = 0, group_end = 0, first_position = 0, block_begin = 0;
  int ahead = 0;      // of the 32 blocks that were looked up
  int looked_up = 0;  // this lane's block
  SegmentWords next;  // segment segment_idx + 1
  int next_looked_up = 0;
  bool looked_ahead = false;

  __device__ Cursor(const Params& params, int slot, int head, int warp_idx, int lane_idx)
      : p(params), lane(lane_idx), warp(warp_idx), kv_head(head) {
    segment_idx = p.slot_starts[slot] - 1;
    segment_end = p.slot_starts[slot + 1];
    next.load(p.segments, segment_idx + 1, segment_end, lane);
    enter_next();
  }

  __device__ bool done() const { return segment_idx >= segment_end; }
  // Whether the group holds positions of this step, which the kernel before this one writes.
  __device__ bool is_new() const { return (group + 1) * kKvGroup > first_position; }

  __device__ int look_up(int first_group, int end, int begin) const {
    const int wanted = first_group + lane * kWarps;
    return wanted < end ? p.blocks[begin + wanted / p.groups_per_block] : 0;
  }

  __device__ void look_ahead() {
    using S = AttentionSegment;
    next_looked_up = look_up(next.get<&S::group_begin>() + warp, next.get<&S::group_end>(),
                             next.get<&S::block_begin>());
    looked_ahead = true;
  }

  __device__ void enter_next() {
    using S = AttentionSegment;
    do {
      if (++segment_idx >= segment_end) return;
      if (!looked_ahead) look_ahead();
      group = next.get<&S::group_begin>() + warp;
      group_end = next.get<&S::group_end>();
      first_position = next.get<&S::first_position>();
      block_begin = next.get<&S::block_begin>();
      looked_up = next_looked_up;
      ahead = 0;
      looked_ahead = false;
      next.load(p.segments, segment_idx + 1, segment_end, lane);
    } while (group >= group_end);
  }

  // The address of the current group; moves on to the next.
  __device__ const __nv_bfloat16* take(int group_elems) {
    if (ahead == 32) {
      looked_up = look_up(group, group_end, block_begin);
      ahead = 0;
    } else if (ahead > 0 && !looked_ahead && segment_idx + 1 < segment_end) {
      look_ahead();
    }
    const std::int64_t block = __shfl_sync(~0u, looked_up, ahead++);
    const std::int64_t head_start = (block * p.n_kv_heads + kv_head) * p.groups_per_block;
    const __nv_bfloat16* address =
        p.pages + (head_start + group % p.groups_per_block) * group_elems;
    group += kWarps;
    if (group >= group_end) enter_next();
    return address;
  }
};

}  // namespace tinyllm::cuda::decode
