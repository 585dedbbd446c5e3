#pragma once
// A layer's attention with random sequences, for the tests of all its kernels: pages whose
// unwritten places are NaN, and the result in float64 from the same bf16 numbers.

#include <cuda_bf16.h>

#include <cstdint>
#include <random>
#include <vector>

#include "kernels/cuda/attention_plan.h"
#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/device_array_test.h"

namespace tinyllm::cuda {

struct SequenceSizes {
  std::int32_t n_positions;  // in the pages, new ones included
  std::int32_t n_new;
};

class AttentionCase {
 public:
  AttentionCase(AttentionShape shape, std::int32_t block_size, std::vector<SequenceSizes> sequences,
                unsigned seed);

  KvView kv() const;
  std::vector<double> expected;  // [n_tokens, n_heads, head_dim]
  // How the device's result differs from `expected`: the worst relative error of a head of a token.
  double error_of(const DeviceArray<__nv_bfloat16>& out) const;

  AttentionShape shape;
  std::int32_t block_size;
  std::vector<AttentionRange> ranges;
  std::int32_t n_tokens = 0;
  std::vector<__nv_bfloat16> q, pages;
  std::vector<std::int32_t> blocks, positions, block_begins;  // the last two of each token
  DeviceArray<__nv_bfloat16> device_q, device_pages;
  DeviceArray<std::int32_t> device_blocks, device_positions, device_block_begins;

 private:
  void fill_sequence(std::size_t sequence_idx, std::int32_t n_positions, std::mt19937& random);
};

// A plan on the device, with room for its parts.
class DevicePlan {
 public:
  DevicePlan(const AttentionPlan& plan, const AttentionPlanSizes& sizes,
             const AttentionShape& shape);
  DecodePlanView view() const;
  bool counters_are_zero() const;

 private:
  AttentionPlanSizes sizes_;
  DeviceArray<AttentionSegment> segments_;
  DeviceArray<std::int32_t> slot_starts_;
  DeviceArray<float> parts_;
  DeviceArray<float2> part_sums_;
  DeviceArray<std::int32_t> counters_;
};

}  // namespace tinyllm::cuda
