#pragma once
// One 32-row panel of float weights times f32 activations: lane r of the sums is row r, columns
// ascending. Up to V::kFloatTokens tokens go through the whole panel together. More go through it
// in blocks of columns: the first pass over a block leaves its weights as f32 in the L1 cache,
// where the other passes find them, and sums wait in y from block to block.
//
// V: see quant_formats.h; here registers of f32 only.

#include "kernels/cpu/panels/quant_formats.h"

namespace tinyllm::panels {

template <typename V>
struct F32 {
  static constexpr int kBytes = 4;
  static typename V::Floats load(const byte* at) {
    return V::load_f32(reinterpret_cast<const float*>(at));
  }
};

template <typename V>
struct F16 {
  static constexpr int kBytes = 2;
  static typename V::Floats load(const byte* at) { return V::load_f16(at); }
};

template <typename V>
struct Bf16 {
  static constexpr int kBytes = 2;
  static typename V::Floats load(const byte* at) { return V::load_bf16(at); }
};

inline constexpr std::int64_t kBlockCols = 128;

// What a pass reads and writes.
struct FloatPass {
  const byte* weights;  // [n_cols, 32] of the pass's element
  std::int64_t n_cols;
  const float* x;  // [n_tokens, x_stride]
  std::int64_t x_stride;
  float* y;  // [n_tokens, y_stride], 32 sums each, added to
  std::int64_t y_stride;
  const byte* fetch;        // what the next pass or block needs, fetched in n_cols steps
  std::int64_t fetch_step;  // bytes of a step
  float* kept;              // [n_cols, 32], where the weights are left; or nullptr
};

// kFetchBytes: what is fetched in a step, at least fetch_step.
template <typename V, typename Element, int kTokens, int kFetchBytes, bool kKeep>
static void float_pass(const FloatPass& pass) {
  constexpr int kRegs = kRegisters<V>;
  const FloatPass at = pass;  // a copy, which no store can change
  typename V::Floats acc[kTokens][kRegs];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int j = 0; j < kRegs; ++j) acc[t][j] = V::load_f32(at.y + t * at.y_stride + V::kRows * j);
  }
  for (std::int64_t col = 0; col < at.n_cols; ++col) {
    const byte* weights = at.weights + col * kTileRows * Element::kBytes;
    prefetch(at.fetch + col * at.fetch_step, kFetchBytes);
    typename V::Floats value[kTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) value[t] = V::broadcast(at.x[t * at.x_stride + col]);
#pragma GCC unroll 8
    for (int j = 0; j < kRegs; ++j) {
      const auto rows = Element::load(weights + j * V::kRows * Element::kBytes);
      if constexpr (kKeep) V::store(at.kept + col * kTileRows + V::kRows * j, rows);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        acc[t][j] = V::fma(rows, value[t], acc[t][j]);
        V::pin(acc[t][j]);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int j = 0; j < kRegs; ++j) V::store(at.y + t * at.y_stride + V::kRows * j, acc[t][j]);
  }
}

// The pass for n_tokens, at most kTokens.
template <typename V, typename Element, int kFetchBytes, bool kKeep, int kTokens = V::kFloatTokens>
static void float_pass_of(std::int64_t n_tokens, const FloatPass& pass) {
  if constexpr (kTokens > 1) {
    if (n_tokens < kTokens)
      return float_pass_of<V, Element, kFetchBytes, kKeep, kTokens - 1>(n_tokens, pass);
  }
  float_pass<V, Element, kTokens, kFetchBytes, kKeep>(pass);
}

template <typename V, typename Element>
static void float_panel_times_tokens(const byte* panel, std::int64_t k, const float* x,
                                     std::int64_t x_stride, std::int64_t n_tokens, float* y,
                                     std::int64_t y_stride) {
  constexpr int kColBytes = static_cast<int>(kTileRows) * Element::kBytes;
  constexpr bool kKeep = Element::kBytes != 4;
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    for (int j = 0; j < kRegisters<V>; ++j)
      V::store(y + t * y_stride + V::kRows * j, V::broadcast(0.0f));
  }
  if (n_tokens <= V::kFloatTokens) {
    const FloatPass whole{panel, k, x, x_stride, y, y_stride, panel + 2048, kColBytes, nullptr};
    return float_pass_of<V, Element, kColBytes, false>(n_tokens, whole);
  }
  // Passes of nearly equal width: 4 tokens are 2 + 2. Each fetches its share of the next block.
  const std::int64_t n_passes = (n_tokens + V::kFloatTokens - 1) / V::kFloatTokens;
  const std::int64_t fetch_step = (kColBytes + n_passes - 1) / n_passes;
  alignas(64) float kept[kBlockCols * kTileRows];
  for (std::int64_t col = 0; col < k; col += kBlockCols) {
    const byte* block = panel + col * kColBytes;
    const std::int64_t n_cols = k - col < kBlockCols ? k - col : kBlockCols;
    const byte* fetch = block + n_cols * kColBytes;
    std::int64_t t = 0;
    for (std::int64_t i = 0; i < n_passes; ++i, fetch += n_cols * fetch_step) {
      const std::int64_t end = (i + 1) * n_tokens / n_passes;
      FloatPass pass{block,    n_cols,           x + t * x_stride + col,
                     x_stride, y + t * y_stride, y_stride,
                     fetch,    fetch_step,       kept};
      if (i == 0) {
        float_pass_of<V, Element, kColBytes, kKeep>(end - t, pass);
      } else {
        if (kKeep) pass.weights = reinterpret_cast<const byte*>(kept);
        float_pass_of<V, F32<V>, kColBytes, false>(end - t, pass);
      }
      t = end;
    }
  }
}

}  // namespace tinyllm::panels
