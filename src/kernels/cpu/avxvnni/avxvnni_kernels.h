#pragma once
// AVX-VNNI kernels: the quantised panels of kernels/cpu/row_kernels.h for CPUs with vpdpbusd on 256
// bits and no AVX-512; the other entries of the table are AVX2's. They have flags of their own, so:
// raw pointers, no standard header with templates, all in this namespace.

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/quantised_row.h"
#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm::avxvnni {

// Indexed by TileFormat; nullptr where the format is of floats.
using QuantPanel = void(const std::byte* panel, std::int64_t k, const QuantisedRow* x,
                        const Residuals* residuals, std::int64_t n_tokens, float* y,
                        std::int64_t y_stride);
extern QuantPanel* const kQuantPanels[kNumTileFormats];

}  // namespace tinyllm::avxvnni
