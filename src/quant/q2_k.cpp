#include "quant/q2_k.h"

#include "tensor/float16.h"

namespace tinyllm {

void decode_q2_k(const std::byte* src, float* __restrict dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q2KBlock*>(src);
  for (std::int64_t i = 0; i < n_elems / 256; ++i) {
    const Q2KBlock& block = blocks[i];
    const float block_scale = f16_to_f32(block.scale);
    const float block_min = f16_to_f32(block.min);
    for (int g = 0; g < 16; ++g) {  // elements [16 g, 16 g + 16)
      const float scale = block_scale * static_cast<float>(block.groups[g] & 15);
      const float min = block_min * static_cast<float>(block.groups[g] >> 4);
      const std::uint8_t* codes = block.codes + g / 8 * 32 + g % 2 * 16;
      const int shift = g % 8 / 2 * 2;
      float* out = dst + 256 * i + 16 * g;
      for (int l = 0; l < 16; ++l) out[l] = scale * static_cast<float>(codes[l] >> shift & 3) - min;
    }
  }
}

}  // namespace tinyllm
