#include "quant/q4_k.h"

#include <algorithm>
#include <cmath>

#include "quant/k_groups.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

int round_code(float value, int largest) {
  return std::clamp(static_cast<int>(std::floor(value + 0.5f)), 0, largest);
}

float inverse_or_zero(float value) { return value == 0.0f ? 0.0f : 1.0f / value; }

// Two groups that share 32 bytes: low nibbles, then high ones. Not inlined: g++ 12 then vectorises
// over the elements, and not, slower, over the groups.
[[gnu::noinline]] void decode_pair(const std::uint8_t* codes, const float scales[2],
                                   const float mins[2], float* __restrict dst) {
  for (int l = 0; l < 32; ++l) dst[l] = scales[0] * static_cast<float>(codes[l] & 15) - mins[0];
  for (int l = 0; l < 32; ++l)
    dst[l + 32] = scales[1] * static_cast<float>(codes[l] >> 4) - mins[1];
}

}  // namespace

void decode_q4_k(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q4KBlock*>(src);
  for (std::int64_t i = 0; i < n_elems / 256; ++i) {
    const float block_scale = f16_to_f32(blocks[i].scale);
    const float block_min = f16_to_f32(blocks[i].min);
    for (int pair = 0; pair < 4; ++pair) {  // elements [64 pair, 64 pair + 64)
      float scales[2], mins[2];
      for (int g = 0; g < 2; ++g) {
        const KGroup group = unpack_k_group(blocks[i].groups, 2 * pair + g);
        scales[g] = block_scale * static_cast<float>(group.scale);
        mins[g] = block_min * static_cast<float>(group.min);
      }
      decode_pair(blocks[i].codes + 32 * pair, scales, mins, dst + 256 * i + 64 * pair);
    }
  }
}

void encode_q4_k_block(const float* src, const float* steps, const float* depths, Q4KBlock& block) {
  block.scale = f32_to_f16(*std::max_element(steps, steps + 8) / 63.0f);
  block.min = f32_to_f16(*std::max_element(depths, depths + 8) / 63.0f);
  const float scale = f16_to_f32(block.scale);  // as the decoder will read them
  const float min = f16_to_f32(block.min);
  const float inverse_scale = inverse_or_zero(scale), inverse_min = inverse_or_zero(min);

  KGroup groups[8];
  for (int g = 0; g < 8; ++g) {
    groups[g].scale = static_cast<std::uint8_t>(round_code(steps[g] * inverse_scale, 63));
    groups[g].min = static_cast<std::uint8_t>(round_code(depths[g] * inverse_min, 63));
  }
  pack_k_groups(groups, block.groups);
  for (int g = 0; g < 8; ++g) {
    const float inverse = inverse_or_zero(scale * static_cast<float>(groups[g].scale));
    const float depth = min * static_cast<float>(groups[g].min);
    std::uint8_t* codes = block.codes + g / 2 * 32;
    for (int l = 0; l < 32; ++l) {
      const int code = round_code((src[32 * g + l] + depth) * inverse, 15);
      codes[l] = static_cast<std::uint8_t>(g % 2 == 0 ? code : codes[l] | code << 4);
    }
  }
}

void encode_q4_k(const float* src, std::byte* dst, std::int64_t n_elems) {
  auto* blocks = reinterpret_cast<Q4KBlock*>(dst);
  for (std::int64_t i = 0; i < n_elems / 256; ++i) {
    const float* x = src + 256 * i;
    float steps[8], depths[8];
    for (int g = 0; g < 8; ++g) {
      const auto [smallest, largest] = std::minmax_element(x + 32 * g, x + 32 * g + 32);
      depths[g] = std::max(0.0f, -*smallest);
      steps[g] = std::max(0.0f, *largest + depths[g]) / 15.0f;
    }
    encode_q4_k_block(x, steps, depths, blocks[i]);
  }
}

}  // namespace tinyllm
