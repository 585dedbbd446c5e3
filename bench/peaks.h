#pragma once
// What one core of this machine can do with numbers: the limit that ./tiny microbench and the
// roofline compare kernels with. Each probe is a loop without memory, in a file with the flags of
// its instruction set; call it only where pick_isa has that set. Takes about 0.1 s.

#include <cstdint>

#include "base/clock.h"

namespace tinyllm {

// Operations a second; a multiplication and an addition are two.
double peak_int8_avx2();     // maddubs summed in int16: what 4-bit weights need
double peak_int8_avxvnni();  // vpdpbusd, 256 bits
double peak_int8_avx512();   // vpdpbusd, 512 bits
double peak_f32_avx2();      // FMA, 256 bits
double peak_f32_avx512();    // FMA, 512 bits
double peak_bf16_avx512();   // vdpbf16ps, 512 bits
double peak_bf16_amx();      // tdpbf16ps, whole tiles

// Chains that do not wait for each other. No instruction needs more than 10: latency x throughput.
inline constexpr int kPeakChains = 12;

// The best of some runs of step(n), which does n rounds of ops_a_round operations.
template <typename Step>
double best_rate(double ops_a_round, Step step) {
  constexpr std::int64_t kRounds = 200'000;
  double best = 0;
  for (int i = 0; i < 40; ++i) {
    const Stopwatch clock;
    step(kRounds);
    const double rate = static_cast<double>(kRounds) * ops_a_round / clock.seconds();
    best = rate > best ? rate : best;
  }
  return best;
}

}  // namespace tinyllm
