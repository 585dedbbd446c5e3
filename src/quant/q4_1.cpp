#include "quant/q4_1.h"

#include <algorithm>
#include <cmath>

#include "tensor/float16.h"

namespace tinyllm {
namespace {

// One block. Not inlined: g++ 12 then vectorises over the elements, and not, slower, over blocks.
[[gnu::noinline]] void decode_block(const Q4_1Block& block, float* __restrict dst) {
  const float scale = f16_to_f32(block.scale);
  const float min = f16_to_f32(block.min);
  for (int j = 0; j < 16; ++j) {
    dst[j] = scale * static_cast<float>(block.codes[j] & 15) + min;
    dst[j + 16] = scale * static_cast<float>(block.codes[j] >> 4) + min;
  }
}

}  // namespace

void decode_q4_1(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q4_1Block*>(src);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) decode_block(blocks[i], dst + 32 * i);
}

void encode_q4_1(const float* src, std::byte* dst, std::int64_t n_elems) {
  auto* blocks = reinterpret_cast<Q4_1Block*>(dst);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) {
    const float* x = src + 32 * i;
    const auto [smallest, largest] = std::minmax_element(x, x + 32);
    const float min = *smallest;
    const float scale = (*largest - min) / 15.0f;
    const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
    const auto code = [&](int j) {
      return static_cast<std::uint8_t>(
          std::clamp(static_cast<int>((x[j] - min) * inverse + 0.5f), 0, 15));
    };
    blocks[i].scale = f32_to_f16(scale);
    blocks[i].min = f32_to_f16(min);
    for (int j = 0; j < 16; ++j) {
      blocks[i].codes[j] = static_cast<std::uint8_t>(code(j) | code(j + 16) << 4);
    }
  }
}

}  // namespace tinyllm
