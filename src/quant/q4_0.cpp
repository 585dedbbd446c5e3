#include "quant/q4_0.h"

#include <algorithm>
#include <cmath>

#include "tensor/float16.h"

namespace tinyllm {
namespace {

// One block. Not inlined: g++ 12 then vectorises over the elements, and not, slower, over blocks.
[[gnu::noinline]] void decode_block(const Q4_0Block& block, float* __restrict dst) {
  const float scale = f16_to_f32(block.scale);
  for (int j = 0; j < 16; ++j) {
    dst[j] = scale * static_cast<float>((block.codes[j] & 15) - 8);
    dst[j + 16] = scale * static_cast<float>((block.codes[j] >> 4) - 8);
  }
}

}  // namespace

void decode_q4_0(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q4_0Block*>(src);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) decode_block(blocks[i], dst + 32 * i);
}

void pack_q4_0_codes(const std::uint8_t* codes, Q4_0Block& block) {
  for (int j = 0; j < 16; ++j)
    block.codes[j] = static_cast<std::uint8_t>(codes[j] | codes[j + 16] << 4);
}

void encode_q4_0(const float* src, std::byte* dst, std::int64_t n_elems) {
  auto* blocks = reinterpret_cast<Q4_0Block*>(dst);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) {
    const float* x = src + 32 * i;
    const auto [smallest, largest] = std::minmax_element(x, x + 32);
    const float scale = (*largest > -*smallest ? *largest : *smallest) / -8.0f;
    const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
    std::uint8_t codes[32];
    for (int j = 0; j < 32; ++j)
      codes[j] =
          static_cast<std::uint8_t>(std::clamp(static_cast<int>(x[j] * inverse + 8.5f), 0, 15));
    blocks[i].scale = f32_to_f16(scale);
    pack_q4_0_codes(codes, blocks[i]);
  }
}

}  // namespace tinyllm
