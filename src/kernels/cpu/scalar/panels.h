#pragma once
// One 32-row panel of packed weights times some tokens, in plain loops: what the panel kernels of
// every instruction set must equal, the integer part bit for bit. Contract: row_kernels.h.

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/quantised_row.h"
#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm::scalar {

// Any quantised format. x: [n_tokens]. y: [n_tokens, y_stride], columns [0, 32) written.
void quant_panel(TileFormat format, const std::byte* panel, std::int64_t k, const QuantisedRow* x,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride);

// f32, f16 and bf16. x: [n_tokens, x_stride] f32.
void float_panel(TileFormat format, const std::byte* panel, std::int64_t k, const float* x,
                 std::int64_t x_stride, std::int64_t n_tokens, float* y, std::int64_t y_stride);

// See RowKernels::quantise_act.
void quantise_act(const float* x, std::int64_t n, float split_above, const QuantisedRow& out);

}  // namespace tinyllm::scalar
