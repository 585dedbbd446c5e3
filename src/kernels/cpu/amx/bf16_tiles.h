#pragma once
// A panel of bf16 pairs times tokens: both are tiles as they lie in memory. 32 tokens x 32 rows pass
// through the columns together, in four tiles of sums. The sum of a row adds 32 columns after 32
// columns, whatever the number of tokens. T: see tile_shapes.h.

#include "base/fetch_ahead.h"
#include "kernels/cpu/amx/amx_kernels.h"
#include "kernels/cpu/amx/tile_shapes.h"
#include "kernels/cpu/panels/quant_formats.h"

namespace tinyllm::amx {

inline constexpr std::int64_t kStepCols = 32;
inline constexpr std::int64_t kStepBytes = 2 * kTileRows * kStepCols;
// Steps of a block, whose weights all tokens find in the L1 cache.
inline constexpr std::int64_t kBlockSteps = 8;

struct Bf16Block {
  const byte* weights;  // [n_steps, 16 pairs, 32 rows] pairs
  std::int64_t n_steps;
  const byte* last_weights;  // of one more step, the panel's last; or nullptr
  const std::uint16_t* x;    // [n_tokens, x_stride], from the block's first column on
  std::int64_t x_stride;
  float* y;
  std::int64_t y_stride;
  bool first;  // sums begin
};

// Sums are tiles 0 to 3: [token tile][half of the rows].
template <typename T, int kTokenTiles>
[[gnu::always_inline]] static inline void begin_sums(T& tiles, bool first, float* const (&y)[2],
                                                     std::int64_t y_bytes) {
  if (first) {
    tiles.template zero<0>();
    tiles.template zero<1>();
    if constexpr (kTokenTiles == 2) {
      tiles.template zero<2>();
      tiles.template zero<3>();
    }
    return;
  }
  tiles.template load<0>(y[0], y_bytes);
  tiles.template load<1>(y[0] + 16, y_bytes);
  if constexpr (kTokenTiles == 2) {
    tiles.template load<2>(y[1], y_bytes);
    tiles.template load<3>(y[1] + 16, y_bytes);
  }
}

template <typename T, int kTokenTiles>
[[gnu::always_inline]] static inline void store_sums(T& tiles, float* const (&y)[2],
                                                     std::int64_t y_bytes) {
  tiles.template store<0>(y[0], y_bytes);
  tiles.template store<1>(y[0] + 16, y_bytes);
  if constexpr (kTokenTiles == 2) {
    tiles.template store<2>(y[1], y_bytes);
    tiles.template store<3>(y[1] + 16, y_bytes);
  }
}

// Sums += 32 columns.
template <typename T, int kTokenTiles>
[[gnu::always_inline]] static inline void add_step(T& tiles, const byte* weights,
                                                   const std::uint16_t* const (&x)[2],
                                                   std::int64_t x_bytes) {
  tiles.template load<6>(weights, 4 * kTileRows);
  tiles.template load<4>(x[0], x_bytes);
  tiles.template dot_bf16<0, 4, 6>();
  tiles.template load<7>(weights + 64, 4 * kTileRows);
  tiles.template dot_bf16<1, 4, 7>();
  if constexpr (kTokenTiles == 2) {
    tiles.template load<5>(x[1], x_bytes);
    tiles.template dot_bf16<2, 5, 6>();
    tiles.template dot_bf16<3, 5, 7>();
  }
}

// The token tiles that begin with tokens t. fetches: what lies kFetchAhead from the weights.
template <typename T, int kTokenTiles>
static inline void multiply_block(T& tiles, const Bf16Block& at, const std::int64_t (&t)[2],
                                  bool fetches) {
  const std::int64_t y_bytes = 4 * at.y_stride, x_bytes = 2 * at.x_stride;
  float* const y[2] = {at.y + t[0] * at.y_stride, at.y + t[1] * at.y_stride};
  const std::uint16_t* x[2] = {at.x + t[0] * at.x_stride, at.x + t[1] * at.x_stride};
  begin_sums<T, kTokenTiles>(tiles, at.first, y, y_bytes);
  const byte* weights = at.weights;
  for (std::int64_t i = 0; i < at.n_steps; ++i) {
    if (fetches) panels::prefetch(weights + kFetchAhead, kStepBytes);
    add_step<T, kTokenTiles>(tiles, weights, x, x_bytes);
    weights += kStepBytes;
    x[0] += kStepCols;
    x[1] += kStepCols;
  }
  if (at.last_weights != nullptr) add_step<T, kTokenTiles>(tiles, at.last_weights, x, x_bytes);
  store_sums<T, kTokenTiles>(tiles, y, y_bytes);
}

// One block of columns times all tokens; the first to pass fetch what lies ahead.
template <typename T>
static inline void multiply_all(T& tiles, const Bf16Block& block, const TokenTiles& tokens) {
  for (std::int64_t i = 0; i < tokens.n; i += 2) {
    const bool two = i + 1 < tokens.n;
    const std::int64_t t[2] = {tokens.begin(i), tokens.begin(two ? i + 1 : i)};
    two ? multiply_block<T, 2>(tiles, block, t, i == 0)
        : multiply_block<T, 1>(tiles, block, t, i == 0);
  }
}

template <typename T>
static void panel_times_tokens(const byte* panel, std::int64_t k, const std::uint16_t* x,
                               std::int64_t x_stride, std::int64_t n_tokens, float* y,
                               std::int64_t y_stride) {
  const TokenTiles tokens(n_tokens);
  const TileShape rows = {static_cast<std::uint8_t>(tokens.width), 64}, weights = {16, 64};
  T tiles;
  tiles.configure({rows, rows, rows, rows, rows, rows, weights, weights});
  const std::int64_t n_steps = k / kStepCols, n_left = (k + 1) / 2 * 2 - n_steps * kStepCols;
  alignas(64) byte last[kStepBytes];
  if (n_left > 0) {
    const auto n_bytes = static_cast<std::size_t>(2 * kTileRows * n_left);
    __builtin_memcpy(last, panel + n_steps * kStepBytes, n_bytes);
    __builtin_memset(last + n_bytes, 0, kStepBytes - n_bytes);
  }
  // Tokens that two tiles share would be added to twice: then all columns are one block.
  const std::int64_t most = n_tokens % tokens.width != 0 ? n_steps : kBlockSteps;
  std::int64_t step = 0;
  do {
    const std::int64_t n = n_steps - step < most ? n_steps - step : most;
    const bool ends = step + n == n_steps && n_left > 0;
    const Bf16Block block = {panel + step * kStepBytes,
                             n,
                             ends ? last : nullptr,
                             x + step * kStepCols,
                             x_stride,
                             y,
                             y_stride,
                             step == 0};
    multiply_all(tiles, block, tokens);
    step += n;
  } while (step < n_steps);
  tiles.release();
}

}  // namespace tinyllm::amx
