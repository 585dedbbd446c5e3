#pragma once
// The eight tile registers. A tile has at most 16 rows of 64 bytes. A product is C += A B, with A
// [tokens][columns], B [pairs of columns][16 rows of W][2] as panels of bf16_pairs have them, C
// [tokens][16 rows of W] in f32.
//
// bf16_tiles.h takes a type T, whose objects are such registers:
//   configure(shapes)     all of them, whose contents are then lost
//   release()             gives them back
//   zero<tile>(), load<tile>(from, stride), store<tile>(to, stride)   stride: bytes between rows
//   dot_bf16<c, a, b>()   with the pairs of a row: even and odd columns summed apart from 0 on, each
//                         by fused additions in ascending order, then c + (even + odd). Denormal
//                         numbers count as 0, inputs and results.
// bf16_panel.cpp has the CPU's own, emulated_bf16_panel.cpp those in plain C++.

#include <cstdint>

namespace tinyllm::amx {

inline constexpr int kTiles = 8;
inline constexpr int kTileTokens = 16;  // rows of A and C at most

struct TileShape {
  std::uint8_t n_rows;
  std::uint8_t row_bytes;
};

// Tokens in passes of equal width, as few as can be: 33 are 3 x 11. The last pass may begin with
// tokens of the one before.
struct TokenTiles {
  std::int64_t n_tokens, n, width;

  explicit TokenTiles(std::int64_t tokens)
      : n_tokens(tokens),
        n((tokens + kTileTokens - 1) / kTileTokens),
        width((tokens + n - 1) / n) {}
  // The first token that tile i reads.
  std::int64_t begin(std::int64_t i) const {
    return i * width + width <= n_tokens ? i * width : n_tokens - width;
  }
};

}  // namespace tinyllm::amx
