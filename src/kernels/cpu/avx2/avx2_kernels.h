#pragma once
// AVX2 + FMA + F16C kernels: what kernels/cpu/row_kernels.h promises, entry by entry. They have
// flags of their own, so: raw pointers, no standard header with templates, all in this namespace.

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/attention_queries.h"
#include "kernels/cpu/layout/kv_pages.h"
#include "kernels/cpu/layout/quantised_row.h"
#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm::avx2 {

void rms_norm(const float* x, const float* weight, float* out, std::int64_t n, float eps);
void quantise_act(const float* x, std::int64_t n, float split_above, const QuantisedRow& out);

using std::byte;
// Indexed by TileFormat; nullptr where the format is of the other kind.
using QuantPanel = void(const byte* panel, std::int64_t k, const QuantisedRow* x,
                        const Residuals* residuals, std::int64_t n_tokens, float* y,
                        std::int64_t y_stride);
using FloatPanel = void(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
                        std::int64_t n_tokens, float* y, std::int64_t y_stride);
extern QuantPanel* const kQuantPanels[kNumTileFormats];
extern FloatPanel* const kFloatPanels[kNumTileFormats];

void rope_split_halves(float* x, const float* cos, const float* sin, std::int64_t head_dim);
void rope_interleaved(float* x, const float* cos, const float* sin, std::int64_t head_dim);
void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v);
extern const AttentionKernels kAttention;
void silu_mul(const float* gate, const float* up, float* out, std::int64_t n);
void add(float* x, const float* y, std::int64_t n);
void layer_norm(const float* x, const float* weight, const float* bias, float* out, std::int64_t n,
                float eps);
void gelu(const float* x, float* out, std::int64_t n);
void dot_i8(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
            std::int32_t* out);

}  // namespace tinyllm::avx2
