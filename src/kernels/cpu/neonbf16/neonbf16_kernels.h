#pragma once
// The bf16 extension of 64-bit Arm (HWCAP2_BF16: Graviton 3, Apple M2 and newer): products of bf16
// weights and bf16 activations with bfdot; the other entries of the table are those of NEON. They
// have flags of their own, so: raw pointers, no standard header with templates, all in this
// namespace.

#include <cstddef>
#include <cstdint>

namespace tinyllm::neonbf16 {

using std::byte;

void bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride);
void round_act(const float* x, std::int64_t n, std::uint16_t* out);

}  // namespace tinyllm::neonbf16
