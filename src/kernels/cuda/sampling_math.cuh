#pragma once
// The numbers of sampling/, step for step: the same roundings in the same places. Nothing here may
// be fused into a multiply-add that is not written.

#include <cstdint>

#include "kernels/cuda/sampling.h"
#include "sampling/candidate.h"
#include "sampling/exp2.h"

namespace tinyllm::cuda {

// Place in the order of candidates: larger logit first, then the lower id. Smaller keys come first;
// the two zeros are equal, a NaN counts as -inf.
__device__ __forceinline__ std::uint64_t order_key(float logit, std::uint32_t id) {
  const float x = logit == logit ? logit + 0.0f : -INFINITY;
  const std::uint32_t bits = __float_as_uint(x);
  const std::uint32_t descending = bits >> 31 != 0 ? bits : ~bits & 0x7fffffffu;
  return static_cast<std::uint64_t>(descending) << 32 | id;
}
__device__ __forceinline__ float logit_of(std::uint64_t key) {
  const auto descending = static_cast<std::uint32_t>(key >> 32);
  return __uint_as_float(descending >> 31 != 0 ? descending : ~descending & 0x7fffffffu);
}
__device__ __forceinline__ TokenId id_of(std::uint64_t key) {
  return static_cast<TokenId>(static_cast<std::uint32_t>(key));
}

// exp2_portable (sampling/exp2.cpp).
__device__ __forceinline__ float exp2_exact(float x) {
  x = x > kExp2Floor ? x : kExp2Floor;
  constexpr float kShift = 0x1.8p23f;
  const float shifted = __fadd_rn(x, kShift);
  const float r = __fsub_rn(__fadd_rn(__fsub_rn(x, __fsub_rn(shifted, kShift)), 1.5f), 1.5f);
  float power = __fmaf_rn(kExp2Coefficients[5], r, kExp2Coefficients[4]);
  power = __fmaf_rn(power, r, kExp2Coefficients[3]);
  power = __fmaf_rn(power, r, kExp2Coefficients[2]);
  power = __fmaf_rn(power, r, kExp2Coefficients[1]);
  power = __fmaf_rn(power, r, kExp2Coefficients[0]);
  power = __fmaf_rn(power, r, 1.0f);
  return __uint_as_float(__float_as_uint(power) + (__float_as_uint(shifted) << 23));
}

// floor(weight * kFullMass) for a weight in [2^-64, 1].
__device__ __forceinline__ std::uint64_t mass_of_weight(float weight) {
  const std::uint32_t bits = __float_as_uint(weight);
  const std::uint64_t fraction = (bits & 0x7fffffu) | 0x800000u;
  const int shift = static_cast<int>(bits >> 23) - (127 + 23 - 40);
  return shift >= 0 ? fraction << shift : shift > -24 ? fraction >> -shift : 0;
}

// How a row's logits become masses and bins: apply_temperature, exp2_portable, collect_candidates.
struct MassScale {
  float max, scale;
  std::uint64_t least;  // masses below it do not count

  __device__ MassScale(float max_logit, float temperature, std::uint64_t least_mass)
      : max(max_logit), least(least_mass) {
    scale = fminf(__fdiv_rn(0x1.715476p+0f, temperature), 3.402823466e+38f);
  }

  // log2(p / p_max) <= 0
  __device__ float exponent(float logit) const {
    return logit == max ? 0.0f : __fmul_rn(__fsub_rn(logit, max), scale);
  }
  __device__ static std::uint64_t mass(float exponent) {
    return mass_of_weight(exp2_exact(exponent));
  }
  // Bins of equal width in the exponent, likelier first, the last one open. Never decreases along
  // the order of candidates.
  __device__ static int bin(float exponent) {
    constexpr float kBinsAPower = kMassBins / 40.0f;  // mass ends at 2^-40
    const float place = -exponent * kBinsAPower;
    return place < kMassBins - 1 ? static_cast<int>(place) : kMassBins - 1;
  }
};

// The row that the draw reads.
__device__ __forceinline__ bool has_penalties(const SampleRow& row) {
  return row.repetition_penalty != 1.0f || row.presence_penalty != 0.0f ||
         row.frequency_penalty != 0.0f;
}
__device__ __forceinline__ bool is_processed(const SampleRow& row) {
  return row.draws != 0 &&
         (row.mask_idx >= 0 || row.n_bans > 0 || row.n_biases > 0 || has_penalties(row));
}

// Four logits at once; -inf past the end of the row.
__device__ __forceinline__ float4 load_logits(const float* row, int id, int vocab_size) {
  if (id + 4 <= vocab_size) return *reinterpret_cast<const float4*>(row + id);
  const auto at = [&](int i) { return id + i < vocab_size ? row[id + i] : -INFINITY; };
  return {at(0), at(1), at(2), at(3)};
}

}  // namespace tinyllm::cuda
