// The attention of kernels/cpu/attention with NEON.

#include <arm_neon.h>

#include "kernels/cpu/attention/paged_attention.h"
#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/vector_math.h"

namespace tinyllm::neon {
namespace {

struct Vectors {
  using Floats = float32x4_t;
  static constexpr int kLanes = 4, kGroup = 8;
  static constexpr int kTile = 6, kSums = 24;  // 24 sums, 4 registers of keys or values

  static Floats load(const float* at) { return vld1q_f32(at); }
  static Floats load_bf16(const byte* at) {
    const uint16x4_t halves = vld1_u16(reinterpret_cast<const std::uint16_t*>(at));
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(halves), 16));
  }
  static Floats load_i8(const byte* at) {
    std::int32_t four;
    __builtin_memcpy(&four, at, 4);
    const int16x8_t codes = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(codes)));
  }
  // As f16, whose exponents are 8 higher. No code is NaN: quantise_kv_fp8.
  static Floats load_e4m3(const byte* at) {
    std::int32_t four;
    __builtin_memcpy(&four, at, 4);
    const int16x8_t codes = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    const uint16x4_t wide = vreinterpret_u16_s16(vshl_n_s16(vget_low_s16(codes), 7));
    const float16x4_t halves = vreinterpret_f16_u16(vand_u16(wide, vdup_n_u16(0xBFFF)));
    return vmulq_f32(vcvt_f32_f16(halves), vdupq_n_f32(256.0f));
  }
  static Floats load_q4(const byte* at, int shift) {
    std::int32_t four;
    __builtin_memcpy(&four, at, 4);
    const uint8x8_t pairs = vreinterpret_u8_s32(vdup_n_s32(four));
    const int8x8_t right = vdup_n_s8(static_cast<std::int8_t>(-shift));
    const uint8x8_t codes = vand_u8(vshl_u8(pairs, right), vdup_n_u8(15));
    const int16x8_t levels = vmovl_s8(vqtbl1_s8(vld1q_s8(kQ4Levels), codes));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(levels)));
  }
  static void store(float* at, Floats v) { vst1q_f32(at, v); }
  static Floats zero() { return vdupq_n_f32(0.0f); }
  static Floats broadcast(float value) { return vdupq_n_f32(value); }
  static Floats add(Floats a, Floats b) { return vaddq_f32(a, b); }
  static Floats mul(Floats a, Floats b) { return vmulq_f32(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return vfmaq_f32(c, a, b); }
  static Floats max(Floats a, Floats b) { return vmaxq_f32(a, b); }
  static Floats exp(Floats v) { return neon::exp(v); }
  static float first(Floats v) { return vgetq_lane_f32(v, 0); }
  static float sum_lanes(Floats v) { return vaddvq_f32(v); }
  static float max_lanes(Floats v) { return vmaxvq_f32(v); }
  // Lane i is position `first + i`; outside [begin, end) it becomes -infinity.
  static Floats keep_inside(Floats v, std::int32_t first, std::int32_t begin, std::int32_t end) {
    const std::int32_t ascending[4] = {0, 1, 2, 3};
    const int32x4_t position = vaddq_s32(vdupq_n_s32(first), vld1q_s32(ascending));
    const uint32x4_t inside =
        vandq_u32(vcgeq_s32(position, vdupq_n_s32(begin)), vcltq_s32(position, vdupq_n_s32(end)));
    return vbslq_f32(inside, v, vdupq_n_f32(-__builtin_inff()));
  }
  // Keeps the compiler from loading everything first and spilling the sums.
  static void pin(Floats& v) { asm volatile("" : "+w"(v)); }
  static void prefetch_l1(const byte* at) { asm volatile("prfm pldl1keep, %0" : : "Q"(*at)); }
  static void prefetch_l2(const byte* at) { asm volatile("prfm pldl2keep, %0" : : "Q"(*at)); }
};

}  // namespace

void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v) {
  paged::store_kv<Vectors>(kv, block, offset, k, v);
}

constinit const AttentionKernels kAttention = paged::kAttentionOf<Vectors>;

}  // namespace tinyllm::neon
