#pragma once
// The eight tile registers. A tile has at most 16 rows of 64 bytes. A product is C += A B, with A
// [tokens][columns], B [groups of columns][16 rows of W][a group], C [tokens][16 rows of W] in f32 or
// int32; a group is 2 columns of bf16 or 4 of int8, as lines of panels have them.
//
// The panel kernels of this folder take a type T, whose objects are such registers:
//   configure(shapes)     all of them, whose contents are then lost
//   release()             gives them back
//   zero<tile>(), load<tile>(from, stride), store<tile>(to, stride)   stride: bytes between rows
//   dot_bf16<c, a, b>()   with the pairs of a row: even and odd columns summed apart from 0 on, each
//                         by fused additions in ascending order, then c + (even + odd). Denormal
//                         numbers count as 0, inputs and results.
//   dot_i8<c, a, b, kSigned>()   A signed, B signed or not
// panels.cpp has the real ones, emulated_panels.cpp those in plain C++.

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
