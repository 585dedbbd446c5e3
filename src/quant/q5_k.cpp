#include "quant/q5_k.h"

#include "quant/k_groups.h"
#include "tensor/float16.h"

namespace tinyllm {

void decode_q5_k(const std::byte* src, float* __restrict dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q5KBlock*>(src);
  for (std::int64_t i = 0; i < n_elems / 256; ++i) {
    const Q5KBlock& block = blocks[i];
    const float block_scale = f16_to_f32(block.scale);
    const float block_min = f16_to_f32(block.min);
    for (int g = 0; g < 8; ++g) {  // elements [32 g, 32 g + 32)
      const KGroup group = unpack_k_group(block.groups, g);
      const float scale = block_scale * static_cast<float>(group.scale);
      const float min = block_min * static_cast<float>(group.min);
      const std::uint8_t* codes = block.codes + g / 2 * 32;
      const int shift = g % 2 * 4;
      float* out = dst + 256 * i + 32 * g;
      for (int l = 0; l < 32; ++l) {
        const int code = (codes[l] >> shift & 15) | (block.high_bits[l] >> g & 1) << 4;
        out[l] = scale * static_cast<float>(code) - min;
      }
    }
  }
}

}  // namespace tinyllm
