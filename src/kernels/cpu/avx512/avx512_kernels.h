#pragma once
// AVX-512 kernels with VNNI: the panels, the attention and dot_i8 of kernels/cpu/row_kernels.h; the
// other entries of the table are AVX2's. They have flags of their own, so: raw pointers, no standard
// header with templates, all in this namespace.

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the undefined registers inside its own intrinsics for our mistakes.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/attention_queries.h"
#include "kernels/cpu/layout/kv_pages.h"
#include "kernels/cpu/layout/quantised_row.h"
#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm::avx512 {

using std::byte;
// Indexed by TileFormat; nullptr where the format is of the other kind.
using QuantPanel = void(const byte* panel, std::int64_t k, const QuantisedRow* x,
                        const Residuals* residuals, std::int64_t n_tokens, float* y,
                        std::int64_t y_stride);
using FloatPanel = void(const byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
                        std::int64_t n_tokens, float* y, std::int64_t y_stride);
extern QuantPanel* const kQuantPanels[kNumTileFormats];
extern FloatPanel* const kFloatPanels[kNumTileFormats];

extern const AttentionKernels kAttention;
void dot_i8(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
            std::int32_t* out);

}  // namespace tinyllm::avx512
