// The panels of kernels/cpu/panels with NEON: 4 rows a register, 32 of these. sdot multiplies
// signed bytes, so no quant needs an offset that its format does not have; it takes its activations
// from a lane, so 16 columns of a token are one register and nothing is broadcast.

#include <arm_neon.h>

#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/panels/float_panels.h"
#include "kernels/cpu/panels/quant_panels.h"

namespace tinyllm::neon {
namespace {

struct Vectors {
  using Bytes = uint8x16_t;
  using Columns = int8x16_t;
  using Ints = int32x4_t;
  using Floats = float32x4_t;
  static constexpr int kRows = 4;
  static constexpr int kPassRows = 16;  // x 5 tokens: 20 sums, 5 registers of x, 4 of weights
  static constexpr int kPassTokens = 5;
  static constexpr int kFewTokens = 10;
  static constexpr int kFloatTokens = 3;  // x 32 rows: 24 sums, 3 registers of x
  static constexpr int kSignedOffset = 0;

  static Bytes load(const byte* at) { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(at)); }
  static Bytes low_nibbles(Bytes both) { return vandq_u8(both, vdupq_n_u8(15)); }
  static Bytes high_nibbles(Bytes both) { return vshrq_n_u8(both, 4); }
  // Bits 4 and 5 become pair kPair of `upper`.
  template <int kPair>
  static Bytes with_upper_bits(Bytes low, Bytes upper) {
    Bytes in_place = upper;
    if constexpr (kPair < 2) in_place = vshlq_n_u8(upper, 4 - 2 * kPair);
    if constexpr (kPair == 3) in_place = vshrq_n_u8(upper, 2);
    return vorrq_u8(low, vandq_u8(in_place, vdupq_n_u8(0x30)));
  }
  static Bytes flip_sign(Bytes v) { return v; }
  static void store(byte* at, Bytes v) { vst1q_u8(reinterpret_cast<std::uint8_t*>(at), v); }

  static Columns load_columns(const std::int8_t* at) { return vld1q_s8(at); }
  template <int kLane>
  static Ints dot(Ints sum, Bytes w, Columns x) {
    return vdotq_laneq_s32(sum, vreinterpretq_s8_u8(w), x, kLane);
  }
  static Ints begin(std::int32_t value) { return vdupq_n_s32(value); }
  static Ints zero() { return vdupq_n_s32(0); }
  static Ints add(Ints a, Ints b) { return vaddq_s32(a, b); }
  static Floats to_floats(Ints v) { return vcvtq_f32_s32(v); }

  static Floats load_f32(const float* at) { return vld1q_f32(at); }
  static uint16x4_t load_halves(const byte* at) {
    return vld1_u16(reinterpret_cast<const std::uint16_t*>(at));
  }
  static Floats load_f16(const byte* at) {
    return vcvt_f32_f16(vreinterpret_f16_u16(load_halves(at)));
  }
  static Floats load_bf16(const byte* at) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(load_halves(at)), 16));
  }
  static uint8x8_t load_4_bytes(const byte* at) {
    std::uint32_t four;
    __builtin_memcpy(&four, at, 4);
    return vcreate_u8(four);
  }
  static Floats load_u8(const byte* at) {
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(load_4_bytes(at)))));
  }
  static Floats load_i8(const byte* at) {
    const int8x8_t bytes = vreinterpret_s8_u8(load_4_bytes(at));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))));
  }
  static void store(float* at, Floats v) { vst1q_f32(at, v); }
  static Floats broadcast(float value) { return vdupq_n_f32(value); }
  static Floats mul(Floats a, Floats b) { return vmulq_f32(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return vfmaq_f32(c, a, b); }
  static Floats fnma(Floats a, Floats b, Floats c) { return vfmsq_f32(c, a, b); }
  static void pin(Ints& v) { asm volatile("" : "+w"(v)); }
  static void pin(Floats& v) { asm volatile("" : "+w"(v)); }
};

template <typename L>
constexpr QuantPanel* kQuantPanel = panels::panel_times_tokens<Vectors, L>;
template <typename Element>
constexpr FloatPanel* kFloatPanel = panels::float_panel_times_tokens<Vectors, Element>;

}  // namespace

QuantPanel* const kQuantPanels[kNumTileFormats] = {
    nullptr,  // f32
    nullptr,  // f16
    nullptr,  // bf16
    nullptr,  // bf16_pairs
    kQuantPanel<panels::W4S>,
    kQuantPanel<panels::W4A>,
    kQuantPanel<panels::W4K>,
    kQuantPanel<panels::W4K16>,
    kQuantPanel<panels::W8S>,
    kQuantPanel<panels::W8A>,
    kQuantPanel<panels::W8K>,
    kQuantPanel<panels::W6K16>,
};

FloatPanel* const kFloatPanels[kNumTileFormats] = {
    kFloatPanel<panels::F32<Vectors>>,
    kFloatPanel<panels::F16<Vectors>>,
    kFloatPanel<panels::Bf16<Vectors>>,
};

}  // namespace tinyllm::neon
