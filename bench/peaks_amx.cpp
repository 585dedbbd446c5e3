#include <cstdint>

#include "peaks.h"

namespace tinyllm {

// Products of whole tiles into four sums.
double peak_bf16_amx() {
  struct alignas(64) Config {
    std::uint8_t palette = 1, start_row = 0, unused[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64};
    std::uint8_t n_rows[16] = {16, 16, 16, 16, 16, 16};
  };
  const Config config;
  asm volatile("ldtilecfg %0; tilezero %%tmm4; tilezero %%tmm5" : : "m"(config));
  const double rate = best_rate(4 * 2.0 * 16 * 16 * 32, [](std::int64_t n_rounds) {
    for (std::int64_t round = 0; round < n_rounds; ++round) {
      asm volatile(
          "tdpbf16ps %tmm5, %tmm4, %tmm0; tdpbf16ps %tmm5, %tmm4, %tmm1;"
          "tdpbf16ps %tmm5, %tmm4, %tmm2; tdpbf16ps %tmm5, %tmm4, %tmm3");
    }
  });
  asm volatile("tilerelease");
  return rate;
}

}  // namespace tinyllm
