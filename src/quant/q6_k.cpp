#include "quant/q6_k.h"

#include "tensor/float16.h"

namespace tinyllm {

void decode_q6_k(const std::byte* src, float* __restrict dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q6KBlock*>(src);
  for (std::int64_t i = 0; i < n_elems / 256; ++i) {
    const Q6KBlock& block = blocks[i];
    const float block_scale = f16_to_f32(block.scale);
    for (int g = 0; g < 16; ++g) {    // elements [16 g, 16 g + 16)
      const int half = g / 8;         // 128 elements each
      const int within = g % 8 * 16;  // first element within the half
      const float scale = block_scale * static_cast<float>(block.group_scales[g]);
      const std::uint8_t* low = block.low_bits + half * 64 + within % 64;
      const std::uint8_t* high = block.high_bits + half * 32 + within % 32;
      const int low_shift = within / 64 * 4;
      const int high_shift = within / 32 * 2;
      float* out = dst + 256 * i + 16 * g;
      for (int l = 0; l < 16; ++l) {
        const int code = (low[l] >> low_shift & 15) | (high[l] >> high_shift & 3) << 4;
        out[l] = scale * static_cast<float>(code - 32);
      }
    }
  }
}

}  // namespace tinyllm
