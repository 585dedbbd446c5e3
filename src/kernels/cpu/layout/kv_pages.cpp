#include "kernels/cpu/layout/kv_pages.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tinyllm {

float quantise_kv(const float* x, std::int32_t n, std::int8_t* codes, std::int64_t stride) {
  float largest = 0.0f;
  bool broken = false;
  for (std::int32_t i = 0; i < n; ++i) {
    broken = broken || !std::isfinite(x[i]);
    largest = std::max(largest, std::abs(x[i]));
  }
  const float inverse = largest == 0.0f ? 0.0f : 127.0f / largest;
  for (std::int32_t i = 0; i < n; ++i)
    codes[i * stride] =
        broken ? std::int8_t{0} : static_cast<std::int8_t>(std::lrint(x[i] * inverse));
  return broken ? std::numeric_limits<float>::quiet_NaN() : largest / 127.0f;
}

}  // namespace tinyllm
