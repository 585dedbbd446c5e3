#pragma once
// The experts of the one-row kernel's token: every block makes one score while it normalises, and
// after a barrier each chooses for itself, by the rule of MoeSpec.

#include "kernels/cuda/one_row_stream.cuh"

namespace tinyllm::cuda {

// The block's row of the router, or null.
__device__ __forceinline__ const float* router_row(const OneRowArgs& args,
                                                   const OneRowLayer& layer) {
  const int row = static_cast<int>(blockIdx.x);
  return row < args.shape.n_experts ? layer.router + std::int64_t{row} * args.shape.hidden_size
                                    : nullptr;
}

__device__ inline void prefetch_router(const OneRowArgs& args, const OneRowLayer& layer, int tid) {
  const float* row = router_row(args, layer);
  for (int i = tid * 32; row != nullptr && i < args.shape.hidden_size;
       i += static_cast<int>(blockDim.x) * 32)
    prefetch_to_l2(row + i);
}

// One warp. scores: [n_experts] in global memory, at most 32 kOwn.
template <int kOwn>
__device__ inline void choose_experts(const OneRowArgs& args, const OneRowLayer& layer,
                                      const float* scores, OneRowChoices& choices, int lane) {
  const OneRowShape& s = args.shape;
  float probs[kOwn];
  float most = -INFINITY, sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const int e = i * 32 + lane;
    probs[i] = e < s.n_experts ? __ldcg(scores + e) : -INFINITY;
    most = fmaxf(most, probs[i]);
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    most = fmaxf(most, __shfl_xor_sync(~0u, most, distance));
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    probs[i] = i * 32 + lane < s.n_experts ? expf(probs[i] - most) : 0.0f;
    sum += probs[i];
  }
  sum = sum_of_warp(sum);
  // Probabilities are not negative: their bits have their order. What is no number counts as zero.
  int keys[kOwn];
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const float p = probs[i] / sum;
    keys[i] = i * 32 + lane >= s.n_experts ? -1 : p >= 0.0f ? __float_as_int(p) : 0;
  }
  float chosen_sum = 0.0f, my_weight = 0.0f;
  int my_expert = 0;
  for (int c = 0; c < s.n_experts_per_token; ++c) {
    int key = -1, expert = kMaxOneRowExperts;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      if (keys[i] > key) {
        key = keys[i];
        expert = i * 32 + lane;
      }
    }
    const int best = __reduce_max_sync(~0u, key);
    expert = __reduce_min_sync(~0u, key == best ? expert : kMaxOneRowExperts);
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      if (i * 32 + lane == expert) keys[i] = -1;
    }
    const float weight = __int_as_float(best);
    chosen_sum += weight;
    if (lane == c) {
      my_expert = expert;
      my_weight = weight;
    }
  }
  if (lane >= s.n_experts_per_token) return;
  choices.weights[lane] = layer.experts[my_expert];
  choices.scales[lane] = s.norm_weights ? my_weight / chosen_sum : my_weight;
}

}  // namespace tinyllm::cuda
