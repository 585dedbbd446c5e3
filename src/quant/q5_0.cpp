#include "quant/q5_0.h"

#include <algorithm>
#include <cmath>

#include "tensor/float16.h"

namespace tinyllm {
namespace {

// One block. Not inlined: g++ 12 then vectorises over the elements, and not, slower, over blocks.
[[gnu::noinline]] void decode_block(const Q5_0Block& block, float* __restrict dst) {
  const float scale = f16_to_f32(block.scale);
  const std::uint32_t high = block.high_bits;
  for (int j = 0; j < 16; ++j) {
    const int first = (block.codes[j] & 15) | static_cast<int>((high >> j & 1u) << 4);
    const int second = (block.codes[j] >> 4) | static_cast<int>((high >> (j + 16) & 1u) << 4);
    dst[j] = scale * static_cast<float>(first - 16);
    dst[j + 16] = scale * static_cast<float>(second - 16);
  }
}

}  // namespace

void decode_q5_0(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q5_0Block*>(src);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) decode_block(blocks[i], dst + 32 * i);
}

void pack_q5_0_codes(const std::uint8_t* codes, Q5_0Block& block) {
  std::uint32_t high_bits = 0;
  for (int j = 0; j < 32; ++j) high_bits |= static_cast<std::uint32_t>(codes[j] >> 4) << j;
  block.high_bits = high_bits;
  for (int j = 0; j < 16; ++j)
    block.codes[j] = static_cast<std::uint8_t>((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}

void encode_q5_0(const float* src, std::byte* dst, std::int64_t n_elems) {
  auto* blocks = reinterpret_cast<Q5_0Block*>(dst);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) {
    const float* x = src + 32 * i;
    const auto [smallest, largest] = std::minmax_element(x, x + 32);
    const float scale = (*largest > -*smallest ? *largest : *smallest) / -16.0f;
    const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
    std::uint8_t codes[32];
    for (int j = 0; j < 32; ++j)
      codes[j] =
          static_cast<std::uint8_t>(std::clamp(static_cast<int>(x[j] * inverse + 16.5f), 0, 31));
    blocks[i].scale = f32_to_f16(scale);
    pack_q5_0_codes(codes, blocks[i]);
  }
}

}  // namespace tinyllm
