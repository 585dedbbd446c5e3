#include "quant/q5_1.h"

#include "tensor/float16.h"

namespace tinyllm {
namespace {

// One block. Not inlined: g++ 12 then vectorises over the elements, and not, slower, over blocks.
[[gnu::noinline]] void decode_block(const Q5_1Block& block, float* __restrict dst) {
  const float scale = f16_to_f32(block.scale);
  const float min = f16_to_f32(block.min);
  const std::uint32_t high = block.high_bits;
  for (int j = 0; j < 16; ++j) {
    const int first = (block.codes[j] & 15) | static_cast<int>((high >> j & 1u) << 4);
    const int second = (block.codes[j] >> 4) | static_cast<int>((high >> (j + 16) & 1u) << 4);
    dst[j] = scale * static_cast<float>(first) + min;
    dst[j + 16] = scale * static_cast<float>(second) + min;
  }
}

}  // namespace

void decode_q5_1(const std::byte* src, float* dst, std::int64_t n_elems) {
  const auto* blocks = reinterpret_cast<const Q5_1Block*>(src);
  for (std::int64_t i = 0; i < n_elems / 32; ++i) decode_block(blocks[i], dst + 32 * i);
}

}  // namespace tinyllm
