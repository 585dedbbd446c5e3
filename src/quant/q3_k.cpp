#include "quant/q3_k.h"

#include "tensor/float16.h"

namespace tinyllm {
void decode_q3_k(const std::byte* src, float* __restrict dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q3KBlock*>(src);
  for (std::int64_t i = 0; i < n_elems / 256; ++i) {
    const Q3KBlock& block = blocks[i];
    const float block_scale = f16_to_f32(block.scale);
    for (int g = 0; g < 16; ++g) {  // elements [16 g, 16 g + 16)
      const float scale = block_scale * static_cast<float>(q3_k_group_scale(block, g));
      const std::uint8_t* codes = block.codes + g / 8 * 32 + g % 2 * 16;
      const std::uint8_t* high = block.high_bits + g % 2 * 16;
      const int shift = g % 8 / 2 * 2;
      float* out = dst + 256 * i + 16 * g;
      for (int l = 0; l < 16; ++l) {
        const int code = (codes[l] >> shift & 3) | (high[l] >> (g / 2) & 1) << 2;
        out[l] = scale * static_cast<float>(code - 4);
      }
    }
  }
}

}  // namespace tinyllm
