#pragma once
// One head of one token in the registers of a warp: bias, q/k norm and RoPE. Lane l holds pairs 2l
// and 2l + 1 (then 2l + 64, ...), so that what it stores is two neighbours in either pairing:
//
//   split halves   elements 2l, 2l+1 and head_dim/2 + 2l, head_dim/2 + 2l+1
//   interleaved    elements 4l, 4l+1 and 4l+2, 4l+3

#include <cuda_bf16.h>

#include "kernels/cuda/ptx.cuh"
#include "rope/rope_pairing.h"

namespace tinyllm::cuda {

// Where the elements of lane l's pairs stand: `first` of pair p and of pair p + 1 are neighbours in
// split halves, `first` and `second` of one pair in interleaved ones. The two loads of two
// elements.
struct Places {
  int left, right;
};
__device__ __forceinline__ Places places_of(RopePairing pairing, int pair, int head_dim) {
  return pairing == RopePairing::split_halves ? Places{pair, head_dim / 2 + pair}
                                              : Places{2 * pair, 2 * pair + 2};
}

__device__ __forceinline__ float2 load_two(const float* x) {
  return *reinterpret_cast<const float2*>(x);
}
__device__ __forceinline__ float2 load_two(const __nv_bfloat16* x) {
  return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(x));
}
__device__ __forceinline__ void add_two(float2& x, const float* y) {
  const float2 other = *reinterpret_cast<const float2*>(y);
  x = {x.x + other.x, x.y + other.y};
}

__device__ __forceinline__ float sum_of_warp(float x) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) x += __shfl_xor_sync(~0u, x, offset);
  return x;
}

// What one lane holds of a head: two pairs, kTimes times.
template <int kTimes>
struct HeadPart {
  float2 left[kTimes] = {}, right[kTimes] = {};
};

// x / sqrt(mean(x^2) + eps) * weight
template <int kTimes>
__device__ inline void normalise(HeadPart<kTimes>& head, const float* weight,
                                 const Places (&at)[kTimes], const bool (&used)[kTimes],
                                 int head_dim, float eps) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kTimes; ++i) {
    const float2 a = head.left[i], b = head.right[i];
    sum += a.x * a.x + a.y * a.y + b.x * b.x + b.y * b.y;
  }
  const float scale = rsqrtf(sum_of_warp(sum) / static_cast<float>(head_dim) + eps);
#pragma unroll
  for (int i = 0; i < kTimes; ++i) {
    if (!used[i]) continue;
    const float2 a = load_two(weight + at[i].left), b = load_two(weight + at[i].right);
    head.left[i] = {head.left[i].x * scale * a.x, head.left[i].y * scale * a.y};
    head.right[i] = {head.right[i].x * scale * b.x, head.right[i].y * scale * b.y};
  }
}

__device__ __forceinline__ void turn(float& a, float& b, float cos, float sin) {
  const float turned = a * cos - b * sin;
  b = a * sin + b * cos;
  a = turned;
}

template <int kTimes>
__device__ inline void rotate(HeadPart<kTimes>& head, RopePairing pairing, const float* cos,
                              const float* sin, int lane, int head_dim) {
#pragma unroll
  for (int i = 0; i < kTimes; ++i) {
    const int pair = 2 * lane + 64 * i;
    if (pair >= head_dim / 2) continue;
    const float2 c = load_two(cos + pair), s = load_two(sin + pair);
    if (pairing == RopePairing::split_halves) {
      turn(head.left[i].x, head.right[i].x, c.x, s.x);
      turn(head.left[i].y, head.right[i].y, c.y, s.y);
    } else {
      turn(head.left[i].x, head.left[i].y, c.x, s.x);
      turn(head.right[i].x, head.right[i].y, c.y, s.y);
    }
  }
}

__device__ __forceinline__ void store_two(__nv_bfloat16* to, const float2& x) {
  *reinterpret_cast<std::uint32_t*>(to) = pack_bf16(x.x, x.y);
}

}  // namespace tinyllm::cuda
