// The quantised panels of kernels/cpu/panels with AVX-VNNI: 8 rows a register, 16 of these.

#include <immintrin.h>

#include "kernels/cpu/avxvnni/avxvnni_kernels.h"
#include "kernels/cpu/panels/quant_panels.h"

namespace tinyllm::avxvnni {
namespace {

using std::byte;

struct Vectors {
  using Bytes = __m256i;
  using Columns = const std::int8_t*;
  using Ints = __m256i;
  using Floats = __m256;
  static constexpr int kRows = 8;
  static constexpr int kPassRows = 16;  // x 5 tokens: 10 sums, 2 registers of weights, 1 of x
  static constexpr int kPassTokens = 5;
  static constexpr int kFewTokens = 10;
  static constexpr int kSignedOffset = 128;

  static Bytes load(const byte* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }
  static Bytes low_nibbles(Bytes both) { return _mm256_and_si256(both, _mm256_set1_epi8(15)); }
  static Bytes high_nibbles(Bytes both) { return low_nibbles(_mm256_srli_epi16(both, 4)); }
  // Bits 4 and 5 become pair kPair of `upper`.
  template <int kPair>
  static Bytes with_upper_bits(Bytes low, Bytes upper) {
    const Bytes in_place = kPair < 2 ? _mm256_slli_epi16(upper, 4 - 2 * kPair)
                                     : _mm256_srli_epi16(upper, 2 * kPair - 4);
    return _mm256_or_si256(low, _mm256_and_si256(in_place, _mm256_set1_epi8(0x30)));
  }
  static Bytes flip_sign(Bytes v) { return _mm256_xor_si256(v, _mm256_set1_epi8(-128)); }
  static void store(byte* at, Bytes v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), v); }

  static Columns load_columns(const std::int8_t* at) { return at; }
  template <int kLane>
  static Ints dot(Ints sum, Bytes w, Columns x) {
    std::int32_t four;
    __builtin_memcpy(&four, x + 4 * kLane, 4);
    return _mm256_dpbusd_avx_epi32(sum, w, _mm256_set1_epi32(four));
  }

  // Sums start at the bits of 1.5 * 2^23: an int below 2^22 added to them is the float of that
  // size, exactly. One float subtraction then converts, on a port that the dot products leave free.
  static constexpr std::int32_t kFloatBits = 0x4B400000;
  static Ints begin(std::int32_t value) { return _mm256_set1_epi32(kFloatBits + value); }
  static Ints zero() { return _mm256_setzero_si256(); }
  static Ints add(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
  static Floats to_floats(Ints v) {
    return _mm256_sub_ps(_mm256_castsi256_ps(v), _mm256_set1_ps(12582912.0f));
  }

  static Floats load_f32(const float* at) { return _mm256_loadu_ps(at); }
  static Floats load_f16(const byte* at) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
  static Floats load_u8(const byte* at) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))));
  }
  static Floats load_i8(const byte* at) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))));
  }
  static void store(float* at, Floats v) { _mm256_storeu_ps(at, v); }
  static Floats broadcast(float value) { return _mm256_set1_ps(value); }
  static Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats fnma(Floats a, Floats b, Floats c) { return _mm256_fnmadd_ps(a, b, c); }
  static void pin(Ints& v) { asm volatile("" : "+x"(v)); }
};

template <typename L>
constexpr QuantPanel* kPanel = panels::panel_times_tokens<Vectors, L>;

}  // namespace

QuantPanel* const kQuantPanels[kNumTileFormats] = {
    nullptr,  // f32
    nullptr,  // f16
    nullptr,  // bf16
    nullptr,  // bf16_pairs
    kPanel<panels::W4S>,
    kPanel<panels::W4A>,
    kPanel<panels::W4K>,
    kPanel<panels::W4K16>,
    kPanel<panels::W8S>,
    kPanel<panels::W8A>,
    kPanel<panels::W8K>,
    kPanel<panels::W6K16>,
};

}  // namespace tinyllm::avxvnni
