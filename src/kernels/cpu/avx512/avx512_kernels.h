#pragma once
// AVX-512 kernels with VNNI: the panels of kernels/row_kernels.h (the other entries of the table
// are AVX2's). Compiled with flags of their own, so: raw pointers, no standard header with
// templates, everything in this namespace.

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the undefined registers inside its own intrinsics for our mistakes.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <cstddef>
#include <cstdint>

#include "quant/quantised_row.h"

namespace tinyllm::avx512 {

using std::byte;
void panel_w4s(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_w4a(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_w4k(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_w4k16(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_w6k16(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_w8s(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_w8a(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_w8k(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_f32(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_f16(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
               std::int64_t n_tokens, float* y, std::int64_t y_stride);
void panel_bf16(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride);

}  // namespace tinyllm::avx512
