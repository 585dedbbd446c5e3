// The attention of kernels/cpu/attention with AVX2.

#include <immintrin.h>

#include "kernels/cpu/attention/paged_attention.h"
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"

namespace tinyllm::avx2 {
namespace {

struct Vectors {
  using Floats = __m256;
  static constexpr int kLanes = 8, kGroup = 8;
  static constexpr int kTile = 6, kSums = 12;  // 12 sums, 2 registers of keys or values, 1 query

  static Floats load(const float* at) { return _mm256_loadu_ps(at); }
  static Floats load_bf16(const byte* at) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
  static Floats load_i8(const byte* at) {
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes));
  }
  // As f16, whose exponents are 8 higher. No code is NaN: quantise_kv_fp8.
  static Floats load_e4m3(const byte* at) {
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    const __m128i wide = _mm_slli_epi16(_mm_cvtepi8_epi16(codes), 7);  // the sign in the top bits
    const __m128i halves = _mm_and_si128(wide, _mm_set1_epi16(static_cast<short>(0xBFFF)));
    return _mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_set1_ps(256.0f));
  }
  static Floats load_q4(const byte* at, int shift) {
    const __m128i pairs = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    const __m128i shifted = _mm_srl_epi16(pairs, _mm_cvtsi32_si128(shift));
    const __m128i codes = _mm_and_si128(shifted, _mm_set1_epi8(15));
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kQ4Levels));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_shuffle_epi8(table, codes)));
  }
  static void store(float* at, Floats v) { _mm256_storeu_ps(at, v); }
  static Floats zero() { return _mm256_setzero_ps(); }
  static Floats broadcast(float value) { return _mm256_set1_ps(value); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  static Floats exp(Floats v) { return avx2::exp(v); }
  static float first(Floats v) { return _mm256_cvtss_f32(v); }
  static float sum_lanes(Floats v) { return avx2::sum_lanes(v); }
  static float max_lanes(Floats v) { return avx2::max_lanes(v); }
  // Lane i is position `first + i`; outside [begin, end) it becomes -infinity.
  static Floats keep_inside(Floats v, std::int32_t first, std::int32_t begin, std::int32_t end) {
    const __m256i position =
        _mm256_add_epi32(_mm256_set1_epi32(first), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    const __m256i outside =
        _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(begin), position),
                        _mm256_cmpgt_epi32(position, _mm256_set1_epi32(end - 1)));
    return _mm256_blendv_ps(v, _mm256_set1_ps(-__builtin_inff()), _mm256_castsi256_ps(outside));
  }
  static void pin(Floats&) {}
  // (GCC 12 takes a loop of _mm_prefetch for one without effect and drops it.)
  static void prefetch_l1(const byte* at) { asm volatile("prefetcht0 %0" : : "m"(*at)); }
  static void prefetch_l2(const byte* at) { asm volatile("prefetcht1 %0" : : "m"(*at)); }
};

}  // namespace

void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v) {
  paged::store_kv<Vectors>(kv, block, offset, k, v);
}

constinit const AttentionKernels kAttention = paged::kAttentionOf<Vectors>;

}  // namespace tinyllm::avx2
