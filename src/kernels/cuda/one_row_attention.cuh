#pragma once
// Attention of the one-row kernel: a block takes a K/V head and a run of positions, its warps a head
// each of that group, or several warps one. The last block of a K/V head that is done merges.

#include "kernels/cuda/kv_layout.h"
#include "kernels/cuda/one_row_grid.cuh"
#include "kernels/cuda/rope_head.cuh"

namespace tinyllm::cuda {

// A block's share of the positions, the same in every layer.
struct OneRowRange {
  int kv_head = 0, split = 0, n_splits = 0;
  int first = 0, end = 0;  // positions
  bool is_used = false, has_new = false;
  std::int64_t new_group = 0;  // of the new token, as an element of a layer's pages
  int new_place = 0;           // in that group
  int position = 0;
};

// Positions of a block, at least: fewer cost more in merging than they save.
template <int kDim>
inline constexpr int kMinOneRowPositions = kDim == 64 ? 64 : 32;
inline constexpr int kMaxOneRowParts = 144;  // of the positions: blocks of a K/V head

struct OneRowAttentionShared {
  float q[kMaxOneRowGroup][128];
  float values[kMaxOneRowWarps][128];
  float2 sums[kMaxOneRowWarps];  // the largest score, and the sum
  float factors[kMaxOneRowGroup][kMaxOneRowParts];
  bool is_last;
};

// groups: [kMaxOneRowKvGroups] first element of a group of 16 positions in a layer's pages.
template <int kDim>
__device__ inline OneRowRange one_row_range(const OneRowArgs& args, std::int32_t* groups) {
  const OneRowShape& s = args.shape;
  OneRowRange range;
  range.position = args.buffers.positions[0];
  const std::int64_t slot = args.buffers.slot_mapping[0];
  const int n = range.position + 1, max_splits = static_cast<int>(gridDim.x) / s.n_kv_heads;
  const int length = max(kMinOneRowPositions<kDim>,
                         (n + max_splits * kKvGroup - 1) / (max_splits * kKvGroup) * kKvGroup);
  range.n_splits = (n + length - 1) / length;
  range.kv_head = static_cast<int>(blockIdx.x) % s.n_kv_heads;
  range.split = static_cast<int>(blockIdx.x) / s.n_kv_heads;
  range.new_group = kv_group_start(slot, range.kv_head, s.n_kv_heads, s.block_size, kDim);
  range.new_place = static_cast<int>(slot % kKvGroup);
  range.is_used = range.split < range.n_splits;
  range.first = range.split * length;
  range.end = min(n, range.first + length);
  range.has_new = range.is_used && range.end == n;
  const std::int32_t* blocks = args.buffers.blocks + args.buffers.block_begins[0];
  for (int i = static_cast<int>(threadIdx.x); range.first + i * kKvGroup < range.end;
       i += static_cast<int>(blockDim.x)) {
    const int t = range.first + i * kKvGroup;
    groups[i] = static_cast<std::int32_t>(
        kv_group_start(std::int64_t{blocks[t / s.block_size]} * s.block_size + t % s.block_size,
                       range.kv_head, s.n_kv_heads, s.block_size, kDim) /
        kv_group_elems(kDim));
  }
  return range;
}

// Heads of q to shared memory; the new key and value to their page.
template <int kDim>
__device__ inline void one_row_heads(const OneRowArgs& args, const OneRowLayer& layer,
                                     const OneRowRange& range, const float* qkv, int n_parts,
                                     OneRowAttentionShared& shared) {
  const OneRowShape& s = args.shape;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  constexpr int dim = kDim;
  const int group = s.n_heads / s.n_kv_heads;
  const std::int64_t row = std::int64_t{s.n_heads + 2 * s.n_kv_heads} * dim;
  for (int i = warp; i < group + (range.has_new ? 2 : 0); i += args.plan.n_warps) {
    const bool is_q = i < group, is_v = i == group + 1;
    const int head =
        is_q ? range.kv_head * group + i : s.n_heads + range.kv_head + (is_v ? s.n_kv_heads : 0);
    HeadPart<1> x;
    Places at[1];
    bool used[1];
#pragma unroll
    for (int k = 0; k < 1; ++k) {
      const int pair = 2 * lane + 64 * k;
      used[k] = pair < dim / 2;
      at[k] = places_of(s.rope_pairing, pair, dim);
      if (!used[k]) continue;
      float2 a[kMaxOneRowSplits], b[kMaxOneRowSplits];
#pragma unroll
      for (int p = 0; p < kMaxOneRowSplits; ++p) {  // all under way at once
        const float* from = qkv + p * row + head * dim;
        const bool is_there = p < n_parts;
        a[p] = is_there ? __ldcg(reinterpret_cast<const float2*>(from + at[k].left)) : float2{};
        b[p] = is_there ? __ldcg(reinterpret_cast<const float2*>(from + at[k].right)) : float2{};
      }
#pragma unroll
      for (int p = 0; p < kMaxOneRowSplits; ++p) {
        x.left[k] = {x.left[k].x + a[p].x, x.left[k].y + a[p].y};
        x.right[k] = {x.right[k].x + b[p].x, x.right[k].y + b[p].y};
      }
      if (layer.qkv_bias == nullptr) continue;
      add_two(x.left[k], layer.qkv_bias + head * dim + at[k].left);
      add_two(x.right[k], layer.qkv_bias + head * dim + at[k].right);
    }
    if (!is_v) {
      const float* norm = is_q ? layer.q_norm : layer.k_norm;
      if (norm != nullptr) normalise(x, norm, at, used, dim, s.norm_eps);
      const std::int64_t place = std::int64_t{range.position} * (dim / 2);
      rotate(x, s.rope_pairing, args.buffers.cos + place, args.buffers.sin + place, lane, dim);
    }
    __nv_bfloat16* to = layer.pages + range.new_group + (is_v ? kKvGroup * dim : 0);
    const int t = range.new_place;
#pragma unroll
    for (int k = 0; k < 1; ++k) {
      if (!used[k]) continue;
      if (is_q) {
        *reinterpret_cast<float2*>(&shared.q[i][at[k].left]) = x.left[k];
        *reinterpret_cast<float2*>(&shared.q[i][at[k].right]) = x.right[k];
      } else {
        store_two(to + kv_elem_in_group(t, at[k].left, dim), x.left[k]);
        store_two(to + kv_elem_in_group(t, at[k].right, dim), x.right[k]);
      }
    }
  }
}

__device__ __forceinline__ void unpack_8(const uint4& v, float (&out)[8]) {
  const std::uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = low_bf16(words[i]);
    out[2 * i + 1] = high_bf16(words[i]);
  }
}

// A softmax under way: values are sums of exp(score - largest) v.
struct OneRowSoftmax {
  float largest = -INFINITY, sum = 0.0f;
  float values[8] = {};

  // Scores become what they are of the sum; what is there so far shrinks accordingly.
  template <int kN>
  __device__ __forceinline__ void take(float (&scores)[kN]) {
    float top = largest;
#pragma unroll
    for (int i = 0; i < kN; ++i) top = fmaxf(top, scores[i]);
    const float shrink = top == -INFINITY ? 1.0f : __expf(largest - top);
    largest = top;
    sum *= shrink;
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      scores[i] = scores[i] == -INFINITY ? 0.0f : __expf(scores[i] - top);
      sum += scores[i];
    }
#pragma unroll
    for (int d = 0; d < 8; ++d) values[d] *= shrink;
  }
  __device__ __forceinline__ void merge(float other_largest, float other_sum,
                                        const float (&other)[8]) {
    const float top = fmaxf(largest, other_largest);
    if (top == -INFINITY) return;
    const float mine = __expf(largest - top), theirs = __expf(other_largest - top);
    largest = top;
    sum = sum * mine + other_sum * theirs;
#pragma unroll
    for (int d = 0; d < 8; ++d) values[d] = values[d] * mine + other[d] * theirs;
  }
};

// One warp: every n_parts-th step of the block's positions, for one head. kDim / 8 lanes share a
// position.
template <int kDim>
__device__ inline OneRowSoftmax one_row_scores(const OneRowArgs& args, const OneRowLayer& layer,
                                               const OneRowRange& range, const std::int32_t* groups,
                                               const float* q_head, int part, int n_parts) {
  constexpr int kAhead = kDim == 128 ? 6 : 8, kLanes = kDim / 8, kAtOnce = 32 / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int d = lane % kLanes * 8, mine = lane / kLanes;
  float q[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) q[i] = q_head[d + i] * args.shape.attention_scale;
  OneRowSoftmax softmax;
  for (int base = range.first + part * kAtOnce; base < range.end;
       base += n_parts * kAtOnce * kAhead) {
    uint4 keys[kAhead], values[kAhead];
    float scores[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int t = base + i * n_parts * kAtOnce + mine - range.first;
      const int place = range.first + t < range.end ? t : 0;  // beyond the end: masked below
      const __nv_bfloat16* from = layer.pages +
                                  std::int64_t{groups[place / kKvGroup]} * kv_group_elems(kDim) +
                                  kv_elem_in_group(place % kKvGroup, d, kDim);
      keys[i] = __ldcg(reinterpret_cast<const uint4*>(from));
      values[i] = __ldcg(reinterpret_cast<const uint4*>(from + kKvGroup * kDim));
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      float k[8];
      unpack_8(keys[i], k);
      scores[i] = 0.0f;
#pragma unroll
      for (int j = 0; j < 8; ++j) scores[i] = fmaf(q[j], k[j], scores[i]);
    }
#pragma unroll
    for (int distance = kLanes / 2; distance > 0; distance /= 2) {
#pragma unroll
      for (int i = 0; i < kAhead; ++i) scores[i] += __shfl_xor_sync(~0u, scores[i], distance);
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      if (base + i * n_parts * kAtOnce + mine >= range.end) scores[i] = -INFINITY;
    }
    softmax.take(scores);
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      float v[8];
      unpack_8(values[i], v);
#pragma unroll
      for (int j = 0; j < 8; ++j) softmax.values[j] = fmaf(scores[i], v[j], softmax.values[j]);
    }
  }
#pragma unroll
  for (int distance = kLanes; distance < 32; distance *= 2) {
    const float largest = __shfl_xor_sync(~0u, softmax.largest, distance);
    const float sum = __shfl_xor_sync(~0u, softmax.sum, distance);
    float other[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) other[j] = __shfl_xor_sync(~0u, softmax.values[j], distance);
    softmax.merge(largest, sum, other);
  }
  return softmax;
}

// factors[p] = exp(largest of part p - the largest of all) for n parts; returns that largest and the
// sum of all. One warp.
template <typename SumsOf>
__device__ __forceinline__ float2 part_factors(int n, const SumsOf& sums_of, float* factors,
                                               int lane) {
  constexpr int kTimes = (kMaxOneRowParts + 31) / 32;
  float2 sums[kTimes];
  float top = -INFINITY, sum = 0.0f;
#pragma unroll
  for (int k = 0; k < kTimes; ++k) {
    sums[k] = lane + 32 * k < n ? sums_of(lane + 32 * k) : float2{-INFINITY, 0.0f};
    top = fmaxf(top, sums[k].x);
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    top = fmaxf(top, __shfl_xor_sync(~0u, top, distance));
#pragma unroll
  for (int k = 0; k < kTimes; ++k) {
    const float factor = __expf(sums[k].x - top);
    if (lane + 32 * k < n) factors[lane + 32 * k] = factor;
    sum += sums[k].y * factor;
  }
  return {top, sum_of_warp(sum)};
}

// The blocks' parts of each head of a K/V head, added up by the last of them.
template <int kDim>
__device__ inline void merge_blocks(const OneRowArgs& args, const OneRowRange& range,
                                    const float* parts, const float2* part_sums,
                                    OneRowAttentionShared& shared) {
  const OneRowShape& s = args.shape;
  const int tid = static_cast<int>(threadIdx.x), lane = tid % 32, warp = tid / 32;
  constexpr int dim = kDim;
  const int group = s.n_heads / s.n_kv_heads;
  if (warp < group) {
    const int head = range.kv_head * group + warp;
    const float2 total = part_factors(
        range.n_splits, [&](int p) { return __ldcg(part_sums + p * s.n_heads + head); },
        shared.factors[warp], lane);
    if (lane == 0) shared.sums[warp] = total;
  }
  __syncthreads();
  for (int i = tid; i < group * dim; i += static_cast<int>(blockDim.x)) {
    const int local = i / dim, at = (range.kv_head * group + local) * dim + i % dim;
    constexpr int kAhead = 8;  // all under way at once
    float value = 0.0f;
#pragma unroll 1
    for (int first = 0; first < range.n_splits; first += kAhead) {
      float part[kAhead];
#pragma unroll
      for (int p = 0; p < kAhead; ++p)
        part[p] = first + p < range.n_splits
                      ? __ldcg(parts + std::int64_t{first + p} * s.n_heads * dim + at)
                      : 0.0f;
#pragma unroll
      for (int p = 0; p < kAhead; ++p)
        if (first + p < range.n_splits)
          value = fmaf(part[p], shared.factors[local][first + p], value);
    }
    args.buffers.attended[at] = __float2bfloat16(value / shared.sums[local].y);
  }
}

// attended = attention of the new token in this block's share; the last block of a head adds up.
template <int kDim>
__device__ inline void one_row_attention(const OneRowArgs& args, const OneRowLayer& layer,
                                         const OneRowRange& range, const std::int32_t* groups,
                                         float* scratch, int n_qkv_parts,
                                         OneRowAttentionShared& shared) {
  if (!range.is_used) return;
  const OneRowShape& s = args.shape;
  const OneRowScratch at = one_row_scratch(s, static_cast<int>(gridDim.x));
  const int tid = static_cast<int>(threadIdx.x), lane = tid % 32, warp = tid / 32;
  constexpr int dim = kDim, n_lanes = kDim / 8;
  const int group = s.n_heads / s.n_kv_heads;
  one_row_heads<kDim>(args, layer, range, scratch + at.qkv, n_qkv_parts, shared);
  __syncthreads();
  const int n_parts = args.plan.n_warps / group;  // warps of a head
  if (warp < group * n_parts) {
    const OneRowSoftmax softmax = one_row_scores<kDim>(
        args, layer, range, groups, shared.q[warp / n_parts], warp % n_parts, n_parts);
    if (lane < n_lanes) {
#pragma unroll
      for (int j = 0; j < 8; ++j) shared.values[warp][lane * 8 + j] = softmax.values[j];
    }
    if (lane == 0) shared.sums[warp] = {softmax.largest, softmax.sum};
  }
  __syncthreads();
  float* parts = scratch + at.parts;
  auto* part_sums = reinterpret_cast<float2*>(scratch + at.part_sums);
  for (int i = tid; i < group * dim; i += static_cast<int>(blockDim.x)) {
    const int head = i / dim, d = i % dim, first = head * n_parts;
    float top = -INFINITY, value = 0.0f, sum = 0.0f;
    for (int p = first; p < first + n_parts; ++p) top = fmaxf(top, shared.sums[p].x);
    for (int p = first; p < first + n_parts; ++p) {
      const float factor = __expf(shared.sums[p].x - top);
      value = fmaf(shared.values[p][d], factor, value);
      sum = fmaf(shared.sums[p].y, factor, sum);
    }
    const int all = range.kv_head * group + head;
    if (range.n_splits == 1) {
      args.buffers.attended[all * dim + d] = __float2bfloat16(value / sum);
    } else {
      parts[(std::int64_t{range.split} * s.n_heads + all) * dim + d] = value;
      if (d == 0) part_sums[range.split * s.n_heads + all] = {top, sum};
    }
  }
  if (range.n_splits == 1) return;
  auto* counter = reinterpret_cast<unsigned*>(scratch + at.counters) + 64 + range.kv_head;
  __syncthreads();
  if (tid == 0) {
    __threadfence();
    shared.is_last = atomicAdd(counter, 1u) == static_cast<unsigned>(range.n_splits) - 1;
    if (shared.is_last) *counter = 0;
    __threadfence();
  }
  __syncthreads();
  if (shared.is_last) merge_blocks<kDim>(args, range, parts, part_sums, shared);
}

}  // namespace tinyllm::cuda
