#include "quant/iq4_nl.h"

#include "tensor/float16.h"

namespace tinyllm {
namespace {

// One block. Not inlined: g++ 12 then vectorises over the elements, and not, slower, over blocks.
[[gnu::noinline]] void decode_block(const Iq4NlBlock& block, float* __restrict dst) {
  const float scale = f16_to_f32(block.scale);
  for (int j = 0; j < 16; ++j) {
    dst[j] = scale * static_cast<float>(kIq4NlLevels[block.codes[j] & 15]);
    dst[j + 16] = scale * static_cast<float>(kIq4NlLevels[block.codes[j] >> 4]);
  }
}

}  // namespace

void decode_iq4_nl(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Iq4NlBlock*>(src);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) decode_block(blocks[i], dst + 32 * i);
}

}  // namespace tinyllm
