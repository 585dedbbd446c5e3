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
  std::int64_t slot = 0;  // of the new token
  int position = 0;
};

struct OneRowAttentionShared {
  float q[kMaxOneRowGroup][256];
  float values[kMaxOneRowWarps][256];
  float largest[kMaxOneRowWarps], sums[kMaxOneRowWarps];
  bool is_last;
};

// groups: [kMaxOneRowKvGroups] first element of a group of 16 positions in a layer's pages.
__device__ inline OneRowRange one_row_range(const OneRowArgs& args, std::int32_t* groups) {
  const OneRowShape& s = args.shape;
  OneRowRange range;
  range.position = args.buffers.positions[0];
  range.slot = args.buffers.slot_mapping[0];
  const int n = range.position + 1, max_splits = static_cast<int>(gridDim.x) / s.n_kv_heads;
  const int length = (n + max_splits * kKvGroup - 1) / (max_splits * kKvGroup) * kKvGroup;
  range.n_splits = (n + length - 1) / length;
  range.kv_head = static_cast<int>(blockIdx.x) % s.n_kv_heads;
  range.split = static_cast<int>(blockIdx.x) / s.n_kv_heads;
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
                       range.kv_head, s.n_kv_heads, s.block_size, s.head_dim) /
        kv_group_elems(s.head_dim));
  }
  return range;
}

// Heads of q to shared memory; the new key and value to their page.
__device__ inline void one_row_heads(const OneRowArgs& args, const OneRowLayer& layer,
                                     const OneRowRange& range, const float* qkv, int n_parts,
                                     OneRowAttentionShared& shared) {
  const OneRowShape& s = args.shape;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int dim = s.head_dim, group = s.n_heads / s.n_kv_heads;
  const std::int64_t row = std::int64_t{s.n_heads + 2 * s.n_kv_heads} * dim;
  for (int i = warp; i < group + (range.has_new ? 2 : 0); i += args.plan.n_warps) {
    const bool is_q = i < group, is_v = i == group + 1;
    const int head = is_q ? range.kv_head * group + i
                          : s.n_heads + range.kv_head + (is_v ? s.n_kv_heads : 0);
    HeadPart<2> x;
    Places at[2];
    bool used[2];
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const int pair = 2 * lane + 64 * k;
      used[k] = pair < dim / 2;
      at[k] = places_of(s.rope_pairing, pair, dim);
      if (!used[k]) continue;
      for (int p = 0; p < n_parts; ++p) {
        const float* from = qkv + p * row + head * dim;
        const float2 a = __ldcg(reinterpret_cast<const float2*>(from + at[k].left));
        const float2 b = __ldcg(reinterpret_cast<const float2*>(from + at[k].right));
        x.left[k] = {x.left[k].x + a.x, x.left[k].y + a.y};
        x.right[k] = {x.right[k].x + b.x, x.right[k].y + b.y};
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
    __nv_bfloat16* to =
        layer.pages +
        kv_group_start(range.slot, range.kv_head, s.n_kv_heads, s.block_size, dim) +
        (is_v ? kKvGroup * dim : 0);
    const int t = static_cast<int>(range.slot % kKvGroup);
#pragma unroll
    for (int k = 0; k < 2; ++k) {
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

// One warp: every n_parts-th step of the block's positions, for one head. head_dim / 8 lanes share a
// position.
__device__ inline OneRowSoftmax one_row_scores(const OneRowArgs& args, const OneRowLayer& layer,
                                               const OneRowRange& range, const std::int32_t* groups,
                                               const float* q_head, int part, int n_parts) {
  constexpr int kAhead = 4;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int dim = args.shape.head_dim, n_lanes = dim / 8, at_once = 32 / n_lanes;
  const int d = lane % n_lanes * 8, mine = lane / n_lanes;
  float q[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) q[i] = q_head[d + i] * args.shape.attention_scale;
  OneRowSoftmax softmax;
  for (int base = range.first + part * at_once; base < range.end;
       base += n_parts * at_once * kAhead) {
    uint4 keys[kAhead], values[kAhead];
    bool valid[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int t = base + i * n_parts * at_once + mine;
      valid[i] = t < range.end;
      const int in_range = valid[i] ? t - range.first : 0;
      const __nv_bfloat16* from =
          layer.pages + std::int64_t{groups[in_range / kKvGroup]} * kv_group_elems(dim) +
          kv_elem_in_group(in_range % kKvGroup, d, dim);
      keys[i] = __ldcg(reinterpret_cast<const uint4*>(from));
      values[i] = __ldcg(reinterpret_cast<const uint4*>(from + kKvGroup * dim));
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      float k[8], v[8];
      unpack_8(keys[i], k);
      unpack_8(values[i], v);
      float score = 0.0f;
#pragma unroll
      for (int j = 0; j < 8; ++j) score = fmaf(q[j], k[j], score);
      for (int distance = n_lanes / 2; distance > 0; distance /= 2)
        score += __shfl_xor_sync(~0u, score, distance);
      if (valid[i]) softmax.merge(score, 1.0f, v);
    }
  }
  for (int distance = n_lanes; distance < 32; distance *= 2) {
    const float largest = __shfl_xor_sync(~0u, softmax.largest, distance);
    const float sum = __shfl_xor_sync(~0u, softmax.sum, distance);
    float other[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) other[j] = __shfl_xor_sync(~0u, softmax.values[j], distance);
    softmax.merge(largest, sum, other);
  }
  return softmax;
}

// The results of `n` parts for head `i` of dimension `d`: parts[p], largest and sum in part_sums[p].
template <typename PartOf, typename SumsOf>
__device__ __forceinline__ float merged(int n, const PartOf& part_of, const SumsOf& sums_of,
                                        float2& total) {
  float top = -INFINITY;
  for (int p = 0; p < n; ++p) top = fmaxf(top, sums_of(p).x);
  float value = 0.0f, sum = 0.0f;
#pragma unroll 4
  for (int p = 0; p < n; ++p) {
    const float2 sums = sums_of(p);
    const float factor = __expf(sums.x - top);
    value = fmaf(part_of(p), factor, value);
    sum = fmaf(sums.y, factor, sum);
  }
  total = {top, sum};
  return value;
}

// attended = attention of the new token in this block's share; the last block of a head adds up.
__device__ inline void one_row_attention(const OneRowArgs& args, const OneRowLayer& layer,
                                         const OneRowRange& range, const std::int32_t* groups,
                                         float* scratch, int n_qkv_parts,
                                         OneRowAttentionShared& shared) {
  if (!range.is_used) return;
  const OneRowShape& s = args.shape;
  const OneRowScratch at = one_row_scratch(s, static_cast<int>(gridDim.x));
  const int tid = static_cast<int>(threadIdx.x), lane = tid % 32, warp = tid / 32;
  const int dim = s.head_dim, group = s.n_heads / s.n_kv_heads, n_lanes = dim / 8;
  one_row_heads(args, layer, range, scratch + at.qkv, n_qkv_parts, shared);
  __syncthreads();
  const int n_parts = args.plan.n_warps / group;  // warps of a head
  if (warp < group * n_parts) {
    const OneRowSoftmax softmax = one_row_scores(args, layer, range, groups,
                                                 shared.q[warp / n_parts], warp % n_parts, n_parts);
    if (lane < n_lanes) {
#pragma unroll
      for (int j = 0; j < 8; ++j) shared.values[warp][lane * 8 + j] = softmax.values[j];
    }
    if (lane == 0) {
      shared.largest[warp] = softmax.largest;
      shared.sums[warp] = softmax.sum;
    }
  }
  __syncthreads();
  float* parts = scratch + at.parts;
  auto* part_sums = reinterpret_cast<float2*>(scratch + at.part_sums);
  for (int i = tid; i < group * dim; i += static_cast<int>(blockDim.x)) {
    const int head = i / dim, d = i % dim, first = head * n_parts;
    float2 total;
    const float value = merged(
        n_parts, [&](int p) { return shared.values[first + p][d]; },
        [&](int p) { return float2{shared.largest[first + p], shared.sums[first + p]}; }, total);
    const int all = range.kv_head * group + head;
    if (range.n_splits == 1) {
      args.buffers.attended[all * dim + d] = __float2bfloat16(value / total.y);
    } else {
      parts[(std::int64_t{range.split} * s.n_heads + all) * dim + d] = value;
      if (d == 0) part_sums[range.split * s.n_heads + all] = total;
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
  if (!shared.is_last) return;
  for (int i = tid; i < group * dim; i += static_cast<int>(blockDim.x)) {
    const int d = i % dim, all = range.kv_head * group + i / dim;
    float2 total;
    const float value = merged(
        range.n_splits,
        [&](int p) { return __ldcg(parts + (std::int64_t{p} * s.n_heads + all) * dim + d); },
        [&](int p) { return __ldcg(part_sums + p * s.n_heads + all); }, total);
    args.buffers.attended[all * dim + d] = __float2bfloat16(value / total.y);
  }
}

}  // namespace tinyllm::cuda
