#pragma once
// AMX: panels by the matrix units of Xeons since Sapphire Rapids, which multiply tiles of 16 rows.
// Quantised panels give the bits of AVX-512's, which take the small batches; bf16 panels have sums of
// their own for any number of tokens. They have flags of their own, so: raw pointers, no standard
// header with templates, all in this namespace.

#include "kernels/cpu/avx512/avx512_kernels.h"

namespace tinyllm::amx {

using std::byte;

// A process must have asked Linux for the tile registers before (pick_isa does). Each call sets the
// shapes of the tiles that it uses and gives the registers back, so no thread keeps any.
extern avx512::QuantPanel* const kQuantPanels[kNumTileFormats];
void bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride);

// The same kernels over tiles in plain C++, for any CPU with AVX-512: what the units compute, bit
// for bit. For tests.
namespace emulated {
extern avx512::QuantPanel* const kQuantPanels[kNumTileFormats];
void bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride);
}  // namespace emulated

}  // namespace tinyllm::amx
