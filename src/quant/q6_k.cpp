#include "quant/q6_k.h"

#include "tensor/float16.h"

namespace tinyllm {
namespace {

// Two plain loops of their own, not inlined: so g++ 12 vectorises over the elements, and not,
// slower, over the groups.

// codes: [256], code - 32 of every element.
[[gnu::noinline]] void unpack_codes(const Q6KBlock& block, std::int8_t* __restrict codes) {
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* low = block.low_bits + 64 * half;
    const std::uint8_t* high = block.high_bits + 32 * half;
    std::int8_t* out = codes + 128 * half;
    const auto code = [](int low_bits, int high_bits) {
      return static_cast<std::int8_t>((low_bits | (high_bits & 3) << 4) - 32);
    };
    for (int l = 0; l < 32; ++l) {
      out[l] = code(low[l] & 15, high[l]);
      out[l + 32] = code(low[l + 32] & 15, high[l] >> 2);
      out[l + 64] = code(low[l] >> 4, high[l] >> 4);
      out[l + 96] = code(low[l + 32] >> 4, high[l] >> 6);
    }
  }
}

[[gnu::noinline]] void scale_group(const std::int8_t* codes, float scale, float* __restrict dst) {
  for (int l = 0; l < 16; ++l) dst[l] = scale * static_cast<float>(codes[l]);
}

}  // namespace

void decode_q6_k(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q6KBlock*>(src);
  std::int8_t codes[256];
  for (std::int64_t i = 0; i < n_elems / 256; ++i) {
    unpack_codes(blocks[i], codes);
    const float scale = f16_to_f32(blocks[i].scale);
    for (int g = 0; g < 16; ++g) {
      const float group_scale = scale * static_cast<float>(blocks[i].group_scales[g]);
      scale_group(codes + 16 * g, group_scale, dst + 256 * i + 16 * g);
    }
  }
}

void pack_q6_k_codes(const std::uint8_t* codes, Q6KBlock& block) {
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* in = codes + 128 * half;
    for (int l = 0; l < 32; ++l) {
      const int a = in[l], b = in[l + 32], c = in[l + 64], d = in[l + 96];
      block.low_bits[64 * half + l] = static_cast<std::uint8_t>((a & 15) | (c & 15) << 4);
      block.low_bits[64 * half + 32 + l] = static_cast<std::uint8_t>((b & 15) | (d & 15) << 4);
      block.high_bits[32 * half + l] =
          static_cast<std::uint8_t>(a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6);
    }
  }
}

}  // namespace tinyllm
