// The panel over the CPU's own tile registers. Their instructions are written as assembly: the
// intrinsics of g++ 12 do not say that a tile is loaded from memory.

#include "kernels/cpu/amx/bf16_tiles.h"

namespace tinyllm::amx {
namespace {

struct Tiles {
  struct alignas(64) Config {
    std::uint8_t palette = 1, start_row = 0, unused[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t n_rows[16] = {};
  };

  [[gnu::always_inline]] inline void configure(const TileShape (&shapes)[kTiles]) {
    Config config;
    for (int i = 0; i < kTiles; ++i) {
      config.row_bytes[i] = shapes[i].row_bytes;
      config.n_rows[i] = shapes[i].n_rows;
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  [[gnu::always_inline]] inline void release() { asm volatile("tilerelease" : : : "memory"); }

  template <int kTile>
  [[gnu::always_inline]] inline void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  [[gnu::always_inline]] inline void load(const void* from, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  [[gnu::always_inline]] inline void store(void* to, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kC, int kA, int kB>
  [[gnu::always_inline]] inline void dot_bf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
  }
};

}  // namespace

void bf16_panel(const byte* panel, std::int64_t k, const std::uint16_t* x, std::int64_t x_stride,
                std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<Tiles>(panel, k, x, x_stride, n_tokens, y, y_stride);
}

}  // namespace tinyllm::amx
