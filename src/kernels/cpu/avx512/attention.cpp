// The attention of kernels/cpu/attention with AVX-512.

#include "kernels/cpu/avx512/avx512_kernels.h"

#include <immintrin.h>

#include "kernels/cpu/attention/paged_attention.h"
#include "kernels/cpu/avx512/vector_math.h"

namespace tinyllm::avx512 {
namespace {

struct Vectors {
  using Floats = __m512;
  static constexpr int kLanes = 16, kGroup = 16;
  static constexpr int kTile = 12, kSums = 24;

  static Floats load(const float* at) { return _mm512_loadu_ps(at); }
  static Floats load_bf16(const byte* at) {
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
  static Floats load_i8(const byte* at) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes));
  }
  // As f16, whose exponents are 8 higher. No code is NaN: quantise_kv_fp8.
  static Floats load_e4m3(const byte* at) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m256i wide = _mm256_slli_epi16(_mm256_cvtepi8_epi16(codes), 7);
    const __m256i halves = _mm256_and_si256(wide, _mm256_set1_epi16(static_cast<short>(0xBFFF)));
    return _mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(256.0f));
  }
  static Floats load_q4(const byte* at, int shift) {
    const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i shifted = _mm_srl_epi16(pairs, _mm_cvtsi32_si128(shift));
    const __m128i codes = _mm_and_si128(shifted, _mm_set1_epi8(15));
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kQ4Levels));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_shuffle_epi8(table, codes)));
  }
  static void store(float* at, Floats v) { _mm512_storeu_ps(at, v); }
  static Floats zero() { return _mm512_setzero_ps(); }
  static Floats broadcast(float value) { return _mm512_set1_ps(value); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  static Floats exp(Floats v) { return avx512::exp(v); }
  static float first(Floats v) { return _mm512_cvtss_f32(v); }
  static float sum_lanes(Floats v) { return avx512::sum_lanes(v); }
  static float max_lanes(Floats v) { return avx512::max_lanes(v); }
  // Lane i is position `first + i`; outside [begin, end) it becomes -infinity.
  static Floats keep_inside(Floats v, std::int32_t first, std::int32_t begin, std::int32_t end) {
    const __m512i position =
        _mm512_add_epi32(_mm512_set1_epi32(first),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const __mmask16 inside = _mm512_cmpge_epi32_mask(position, _mm512_set1_epi32(begin)) &
                             _mm512_cmplt_epi32_mask(position, _mm512_set1_epi32(end));
    return _mm512_mask_mov_ps(_mm512_set1_ps(-__builtin_inff()), inside, v);
  }
  static void pin(Floats&) {}
  // (GCC 12 takes a loop of _mm_prefetch for one without effect and drops it.)
  static void prefetch_l1(const byte* at) { asm volatile("prefetcht0 %0" : : "m"(*at)); }
  static void prefetch_l2(const byte* at) { asm volatile("prefetcht1 %0" : : "m"(*at)); }
};

}  // namespace

constinit const AttentionKernels kAttention = paged::kAttentionOf<Vectors>;

}  // namespace tinyllm::avx512
