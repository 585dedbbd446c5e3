#pragma once
// The entries of the table over tiles T (tile_shapes.h).

#include "kernels/cpu/amx/bf16_tiles.h"
#include "kernels/cpu/amx/quant_tiles.h"

namespace tinyllm::amx {

#ifndef TINYLLM_AMX_FEW_TOKENS
#define TINYLLM_AMX_FEW_TOKENS 8
#endif
// So many tokens are faster without tiles. The bits are the same.
inline constexpr std::int64_t kFewTokens = TINYLLM_AMX_FEW_TOKENS;

template <typename T, typename L, TileFormat kFormat>
static void quant_panel_times_tokens(const byte* panel, std::int64_t k, const QuantisedRow* x,
                                     const Residuals* residuals, std::int64_t n_tokens, float* y,
                                     std::int64_t y_stride) {
  if (n_tokens <= kFewTokens) {
    avx512::kQuantPanels[static_cast<int>(kFormat)](panel, k, x, residuals, n_tokens, y, y_stride);
  } else {
    panel_times_many<T, L>(panel, k, x, *residuals, n_tokens, y, y_stride);
  }
}

}  // namespace tinyllm::amx
