// The panel over tile registers in plain C++, after the operations of Intel's manual (Instruction
// Set Extensions Programming Reference, chapter 3).

#include "kernels/cpu/amx/bf16_tiles.h"

namespace tinyllm::amx {
namespace {

// Denormal numbers as zeros of their sign.
inline float flushed(float value) {
  return __builtin_fabsf(value) < 0x1p-126f ? __builtin_copysignf(0.0f, value) : value;
}

inline float bf16_at(const byte* at) {
  std::uint16_t bits;
  __builtin_memcpy(&bits, at, sizeof bits);
  const std::uint32_t wide = std::uint32_t{bits} << 16;
  float value;
  __builtin_memcpy(&value, &wide, sizeof value);
  return flushed(value);
}

class Tiles {
 public:
  void configure(const TileShape (&shapes)[kTiles]) {
    for (int i = 0; i < kTiles; ++i) tiles_[i].shape = shapes[i];
  }
  void release() {
    for (Tile& tile : tiles_) tile.shape = {0, 0};
  }
  template <int kTile>
  void zero() {
    __builtin_memset(tiles_[kTile].bytes, 0, sizeof tiles_[kTile].bytes);
  }
  template <int kTile>
  void load(const void* from, std::int64_t stride) {
    Tile& tile = tiles_[kTile];
    zero<kTile>();
    for (int row = 0; row < tile.shape.n_rows; ++row) {
      __builtin_memcpy(tile.bytes[row], static_cast<const byte*>(from) + row * stride,
                       tile.shape.row_bytes);
    }
  }
  template <int kTile>
  void store(void* to, std::int64_t stride) const {
    const Tile& tile = tiles_[kTile];
    for (int row = 0; row < tile.shape.n_rows; ++row) {
      __builtin_memcpy(static_cast<byte*>(to) + row * stride, tile.bytes[row],
                       tile.shape.row_bytes);
    }
  }
  template <int kC, int kA, int kB>
  void dot_bf16() {
    check_shapes<kC, kA, kB>();
    const Tile &a = tiles_[kA], &b = tiles_[kB];
    for (int m = 0; m < tiles_[kC].shape.n_rows; ++m) {
      float even[16] = {}, odd[16] = {}, sums[16];
      for (int pair = 0; pair < a.shape.row_bytes / 4; ++pair) {
        const float x_even = bf16_at(a.bytes[m] + 4 * pair),
                    x_odd = bf16_at(a.bytes[m] + 4 * pair + 2);
        for (int n = 0; n < 16; ++n) {
          even[n] = flushed(__builtin_fmaf(x_even, bf16_at(b.bytes[pair] + 4 * n), even[n]));
          odd[n] = flushed(__builtin_fmaf(x_odd, bf16_at(b.bytes[pair] + 4 * n + 2), odd[n]));
        }
      }
      __builtin_memcpy(sums, tiles_[kC].bytes[m], sizeof sums);
      for (int n = 0; n < 16; ++n) sums[n] = flushed(flushed(sums[n]) + flushed(even[n] + odd[n]));
      __builtin_memcpy(tiles_[kC].bytes[m], sums, sizeof sums);
    }
  }

 private:
  struct Tile {
    TileShape shape = {0, 0};
    alignas(64) byte bytes[16][64];
  };

  // The CPU would raise an exception.
  template <int kC, int kA, int kB>
  void check_shapes() const {
    const TileShape c = tiles_[kC].shape, a = tiles_[kA].shape, b = tiles_[kB].shape;
    if (c.n_rows != a.n_rows || 4 * b.n_rows != a.row_bytes || c.row_bytes != 64 ||
        b.row_bytes != 64 || c.n_rows == 0 || c.n_rows > 16)
      __builtin_trap();
  }

  Tile tiles_[kTiles];
};

}  // namespace

void emulated_bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x,
                         std::int64_t x_stride, std::int64_t n_tokens, float* y,
                         std::int64_t y_stride) {
  panel_times_tokens<Tiles>(panel, k, x, x_stride, n_tokens, y, y_stride);
}

}  // namespace tinyllm::amx
