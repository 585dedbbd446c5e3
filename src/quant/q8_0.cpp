#include "quant/q8_0.h"

#include <algorithm>
#include <cmath>

#include "tensor/float16.h"

namespace tinyllm {
namespace {

// One block. Not inlined: g++ 12 then vectorises over the elements, and not, slower, over blocks.
[[gnu::noinline]] void decode_block(const Q8_0Block& block, float* __restrict dst) {
  const float scale = f16_to_f32(block.scale);
  for (int j = 0; j < 32; ++j) dst[j] = scale * static_cast<float>(block.codes[j]);
}

}  // namespace

void decode_q8_0(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q8_0Block*>(src);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) decode_block(blocks[i], dst + 32 * i);
}

void encode_q8_0(const float* src, std::byte* dst, std::int64_t n_elems) {
  auto* blocks = reinterpret_cast<Q8_0Block*>(dst);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) {
    const float* x = src + 32 * i;
    float largest = 0.0f;  // magnitude
    for (int j = 0; j < 32; ++j) largest = std::max(largest, std::abs(x[j]));
    const float scale = largest / 127.0f;
    const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
    blocks[i].scale = f32_to_f16(scale);
    for (int j = 0; j < 32; ++j) {
      blocks[i].codes[j] = static_cast<std::int8_t>(std::lround(x[j] * inverse));
    }
  }
}

}  // namespace tinyllm
