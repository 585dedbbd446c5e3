#include "kernels/cpu/scalar/panels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "quant/tile.h"
#include "quant/tile_layout.h"

namespace tinyllm::scalar {
namespace {

// sum over the group's columns of q(row, col) * x[col], exact.
std::int32_t group_dot(const TileInfo& layout, const std::byte* tile, std::int64_t row, int g,
                       const std::int8_t* x) {
  std::int32_t dot = 0;
  for (int col = g * layout.group; col < (g + 1) * layout.group; ++col) {
    dot += quant_at(layout, tile, row, col) * x[col];
  }
  return dot;
}

float row_times_token(const TileInfo& layout, const std::byte* panel, std::int64_t k,
                      std::int64_t row, const QuantisedRow& x) {
  float acc = 0.0f;
  for (std::int64_t t = 0; t < k / kTileCols; ++t) {
    const std::byte* tile = panel + tile_offset(layout, t);
    for (int g = 0; g < kTileCols / layout.group; ++g) {
      const GroupScale scale = group_scale(layout, panel + header_offset(layout, t), tile, row, g);
      const std::int32_t dot = group_dot(layout, tile, row, g, x.q + kTileCols * t);
      acc = std::fma(scale.scale * x.scale[t], static_cast<float>(dot), acc);
      if (!layout.has_min) continue;
      const std::int32_t sum =
          layout.group == 16 ? x.sum[2 * t + g] : x.sum[2 * t] + x.sum[2 * t + 1];
      acc = std::fma(-scale.min * x.scale[t], static_cast<float>(sum), acc);
    }
  }
  return acc;
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
        const float weight = float_element(format, panel, col * kTileRows + row);
        acc[row] = std::fma(weight, x[t * x_stride + col], acc[row]);
      }
    }
    std::copy(acc, acc + kTileRows, y + t * y_stride);
  }
}

void quantise_act(const float* x, std::int64_t n, std::int8_t* q, float* scale, std::int32_t* sum) {
  for (std::int64_t group = 0; group < n / 32; ++group) {
    // Sizes are compared as bits: there a NaN is above infinity, and that above every number.
    std::uint32_t largest_bits = 0;
    for (std::int64_t i = 32 * group; i < 32 * group + 32; ++i)
      largest_bits = std::max(largest_bits, std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFFu);
    if (largest_bits >= 0x7F800000u) {
      scale[group] = std::numeric_limits<float>::quiet_NaN();
      std::fill_n(q + 32 * group, 32, std::int8_t{0});
      std::fill_n(sum + 2 * group, 2, 0);
      continue;
    }
    const float largest = std::bit_cast<float>(largest_bits);
    scale[group] = largest / 127.0f;
    const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
    for (std::int64_t half = 2 * group; half < 2 * group + 2; ++half) {
      sum[half] = 0;
      for (std::int64_t i = 16 * half; i < 16 * half + 16; ++i) {
        q[i] = static_cast<std::int8_t>(std::nearbyintf(x[i] * inverse));
        sum[half] += q[i];
      }
    }
  }
}

}  // namespace tinyllm::scalar
