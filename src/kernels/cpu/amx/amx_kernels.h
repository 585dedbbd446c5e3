#pragma once
// AMX: products of bf16 weights and bf16 activations by the matrix units of Xeons since Sapphire
// Rapids, which multiply tiles of 16 rows; the other entries of the table are those of AVX-512. They
// have flags of their own, so: raw pointers, no standard header with templates, all in this
// namespace.

#include <cstddef>
#include <cstdint>

namespace tinyllm::amx {

using std::byte;

// A process must have asked Linux for the tile registers before (amx_permission.h). Each call sets
// the shapes of the tiles that it uses and gives the registers back, so no thread keeps any.
void bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride);

// The same over tiles in plain C++, which needs AVX2 and FMA only: what the units compute, bit for
// bit. For tests.
void emulated_bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x,
                         std::int64_t x_stride, std::int64_t n_tokens, float* y,
                         std::int64_t y_stride);

}  // namespace tinyllm::amx
