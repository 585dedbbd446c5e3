#include "kernels/cpu/scalar/panels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/cpu/layout/tile.h"
#include "kernels/cpu/layout/tile_layout.h"

namespace tinyllm::scalar {
namespace {

// sum over the group's columns of q(row, col) * x[col], exact.
std::int32_t group_dot(const TileInfo& layout, const std::byte* tile, std::int64_t row, int g,
                       const std::int8_t* x) {
  std::int32_t dot = 0;
  for (int col = g * layout.groups.n_cols; col < (g + 1) * layout.groups.n_cols; ++col) {
    dot += quant_at(layout, tile, row, col) * x[col];
  }
  return dot;
}

// acc plus one tile's part of row times one plane of x.
float add_tile(const TileInfo& layout, const std::byte* panel, std::int64_t row, std::int64_t t,
               const QuantPlane& x, float acc) {
  const std::byte* tile = panel + tile_offset(layout, t);
  for (int g = 0; g < kTileCols / layout.groups.n_cols; ++g) {
    const GroupScale scale = group_scale(layout, panel + header_offset(layout, t), tile, row, g);
    const std::int32_t dot = group_dot(layout, tile, row, g, x.q + kTileCols * t);
    acc = std::fma(scale.scale * x.scale[t], static_cast<float>(dot), acc);
    if (layout.groups.has_min && layout.groups.n_cols == 16) {
      acc = std::fma(-scale.min * x.scale[t], static_cast<float>(x.sum[2 * t + g]), acc);
    }
  }
  return acc;
}

float row_times_token(const TileInfo& layout, const std::byte* panel, std::int64_t k,
                      std::int64_t row, const QuantisedRow& x) {
  float acc = 0.0f;
  const std::int64_t n_tiles = k / kTileCols;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const std::int64_t end = std::min(n_tiles, first + kSuperTiles);
    for (std::int64_t t = first; t < end; ++t) {
      acc = add_tile(layout, panel, row, t, x.main, acc);
      if (!layout.groups.has_min || layout.groups.n_cols == 16) continue;
      const GroupScale scale = group_scale(layout, panel + header_offset(layout, t),
                                           panel + tile_offset(layout, t), row, 0);
      acc = std::fma(-scale.min, x.scaled_sum[t], acc);
    }
    for (std::int64_t t = first; t < end; ++t) {
      if ((x.split[first / kSuperTiles] >> (t - first) & 1) == 0) continue;
      acc = add_tile(layout, panel, row, t, x.residual, acc);
    }
  }
  return acc;
}

// One group of 32. False, and scale NaN, when x holds a NaN or an infinity.
bool quantise_group(const float* x, std::int8_t* q, float& scale, std::int16_t* sum) {
  // Sizes are compared as bits: there a NaN is above infinity, and that above every number.
  std::uint32_t largest_bits = 0;
  for (int i = 0; i < 32; ++i)
    largest_bits = std::max(largest_bits, std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFFu);
  if (largest_bits >= 0x7F800000u) {
    scale = std::numeric_limits<float>::quiet_NaN();
    std::fill_n(q, 32, std::int8_t{0});
    std::fill_n(sum, 2, std::int16_t{0});
    return false;
  }
  const float largest = std::bit_cast<float>(largest_bits);
  scale = largest / 127.0f;
  const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
  for (int half = 0; half < 2; ++half) {
    std::int32_t total = 0;
    for (int i = 16 * half; i < 16 * half + 16; ++i) {
      q[i] = static_cast<std::int8_t>(std::nearbyintf(x[i] * inverse));
      total += q[i];
    }
    sum[half] = static_cast<std::int16_t>(total);
  }
  return true;
}

}  // namespace

void quant_panel(TileFormat format, const std::byte* panel, std::int64_t k, const QuantisedRow* x,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  const TileInfo& layout = info(format);
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    for (std::int64_t row = 0; row < kTileRows; ++row) {
      y[t * y_stride + row] = row_times_token(layout, panel, k, row, x[t]);
    }
  }
}

void float_panel(TileFormat format, const std::byte* panel, std::int64_t k, const float* x,
                 std::int64_t x_stride, std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    float acc[kTileRows] = {};
    for (std::int64_t col = 0; col < k; ++col) {
      for (std::int64_t row = 0; row < kTileRows; ++row) {
        const float weight = float_element(format, panel, row, col);
        acc[row] = std::fma(weight, x[t * x_stride + col], acc[row]);
      }
    }
    std::copy(acc, acc + kTileRows, y + t * y_stride);
  }
}

void quantise_act(const float* x, std::int64_t n, float split_above, const QuantisedRow& out) {
  const std::int64_t n_groups = n / 32;
  double squares = 0.0;  // of the scales that are numbers
  for (std::int64_t g = 0; g < n_groups; ++g) {
    const QuantPlane& main = out.main;
    if (quantise_group(x + 32 * g, main.q + 32 * g, main.scale[g], main.sum + 2 * g))
      squares += double{main.scale[g]} * double{main.scale[g]};
    out.scaled_sum[g] = main.scale[g] * static_cast<float>(main.sum[2 * g] + main.sum[2 * g + 1]);
  }
  const double limit = double{split_above} * squares / static_cast<double>(n_groups);
  std::fill_n(out.split, (n_groups + kSuperTiles - 1) / kSuperTiles, std::uint8_t{0});
  for (std::int64_t g = 0; g < n_groups; ++g) {
    const float scale = out.main.scale[g];
    if (!(double{scale} * double{scale} > limit)) continue;
    float rest[32];
    for (int i = 0; i < 32; ++i)
      rest[i] = std::fma(-scale, static_cast<float>(out.main.q[32 * g + i]), x[32 * g + i]);
    const QuantPlane& residual = out.residual;
    quantise_group(rest, residual.q + 32 * g, residual.scale[g], residual.sum + 2 * g);
    const int sum = residual.sum[2 * g] + residual.sum[2 * g + 1];
    out.scaled_sum[g] = std::fma(residual.scale[g], static_cast<float>(sum), out.scaled_sum[g]);
    out.split[g / kSuperTiles] |= static_cast<std::uint8_t>(1 << g % kSuperTiles);
  }
}

}  // namespace tinyllm::scalar
