#pragma once
// A row of activations as int8, made by the quantise_act kernel in groups of 32:
//   x[i] ~ main.scale[i / 32] * main.q[i], plus the residual plane where the group is split.
// A group much larger than the rest of its row would carry most of the row's rounding error; it is
// split: what the first int8 left over becomes a second int8 with a scale of its own.
// Plain pointers: instruction-set folders include this file.

#include <cstdint>

#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm {

// Rows that one call of a panel kernel takes at most: their sums (16 KiB) stay in the cache.
inline constexpr std::int64_t kMaxPanelTokens = 128;

struct QuantPlane {
  std::int8_t* q;     // [k], in [-127, 127]
  float* scale;       // [k / 32], largest magnitude / 127
  std::int16_t* sum;  // [k / 16] sums of 16 q: offsets and mins need them
};

struct QuantisedRow {
  QuantPlane main;
  QuantPlane residual;  // holds values in split groups only
  std::uint8_t* split;  // [k / 256 rounded up] bit i of byte b: group 8 b + i is split
  float* scaled_sum;    // [k / 32] the sum of what the group stands for, both planes together
};

// One group of one row's residual plane, copied for a batch.
struct ResidualGroup {
  std::int8_t q[32];
  float scale;
  std::int16_t sum[2];
  std::int32_t token;  // which of the rows
};

// The residual planes of up to kMaxPanelTokens rows in the order in which a panel meets them: tile
// by tile, then by token. In their rows each group would cost three cache lines.
struct Residuals {
  const std::int32_t* first;  // [k / 32 + 1] tile t has the groups first[t] to first[t + 1] - 1
  const ResidualGroup* groups;
};

// What a panel kernel takes of one token: a plane of its activations, and the sums that grow.
struct PanelToken {
  const std::int8_t* q;     // tile t: q[32 t]
  const float* scale;       // scale[t]
  const std::int16_t* sum;  // sum[2 t], sum[2 t + 1]
  const float* scaled_sum;  // scaled_sum[t]; of no use with a residual
  float* y;                 // [32]
};

static inline PanelToken main_token(const QuantisedRow& x, float* y) {
  return {x.main.q, x.main.scale, x.main.sum, x.scaled_sum, y};
}

// The tokens of a panel kernel's call, whose sums begin at 0.
static inline void begin_tokens(const QuantisedRow* x, std::int64_t n_tokens, float* y,
                                std::int64_t y_stride, PanelToken* tokens) {
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    tokens[t] = main_token(x[t], y + t * y_stride);
    for (std::int64_t row = 0; row < kTileRows; ++row) tokens[t].y[row] = 0.0f;
  }
}

// The tokens of one tile's residuals, which they take as their tile 0. Returns how many.
static inline std::int64_t residual_tokens(const Residuals& residuals, std::int64_t tile,
                                           const PanelToken* main, PanelToken* tokens) {
  const std::int64_t n = residuals.first[tile + 1] - residuals.first[tile];
  for (std::int64_t i = 0; i < n; ++i) {
    const ResidualGroup& group = residuals.groups[residuals.first[tile] + i];
    tokens[i] = {group.q, &group.scale, group.sum, nullptr, main[group.token].y};
  }
  return n;
}

}  // namespace tinyllm
