#pragma once
// One 32-row panel of float weights times f32 activations: lane r of the sums is row r, columns
// ascending. V: see quant_formats.h; here kFloatTokens tokens at a time go through the panel.

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

template <typename V, typename Element, int kTokens>
static void float_panel_times(const byte* panel, std::int64_t k, const float* x,
                              std::int64_t x_stride, float* y, std::int64_t y_stride) {
  constexpr int kColBytes = static_cast<int>(kTileRows) * Element::kBytes;
  constexpr int kPrefetch = 2048;  // bytes ahead
  constexpr int kRegs = kRegisters<V>;
  typename V::Floats acc[kTokens][kRegs];
  for (int t = 0; t < kTokens; ++t) {
    for (int j = 0; j < kRegs; ++j) acc[t][j] = V::broadcast(0.0f);
  }
  for (std::int64_t col = 0; col < k; ++col) {
    const byte* weights = panel + col * kColBytes;
    prefetch(weights + kPrefetch, kColBytes);
    typename V::Floats value[kTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) value[t] = V::broadcast(x[t * x_stride + col]);
#pragma GCC unroll 8
    for (int j = 0; j < kRegs; ++j) {
      const auto rows = Element::load(weights + j * V::kRows * Element::kBytes);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        acc[t][j] = V::fma(rows, value[t], acc[t][j]);
        V::pin(acc[t][j]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int j = 0; j < kRegs; ++j) V::store(y + t * y_stride + V::kRows * j, acc[t][j]);
  }
}

template <typename V, typename Element>
static void float_panel_times_tokens(const byte* panel, std::int64_t k, const float* x,
                                     std::int64_t x_stride, std::int64_t n_tokens, float* y,
                                     std::int64_t y_stride) {
  std::int64_t t = 0;
  const auto pass = [&]<int kTokens>() {
    for (; n_tokens - t >= kTokens; t += kTokens) {
      float_panel_times<V, Element, kTokens>(panel, k, x + t * x_stride, x_stride, y + t * y_stride,
                                             y_stride);
    }
  };
  pass.template operator()<V::kFloatTokens>();
  if constexpr (V::kFloatTokens > 4) pass.template operator()<4>();
  if constexpr (V::kFloatTokens > 2) pass.template operator()<2>();
  pass.template operator()<1>();
}

}  // namespace tinyllm::panels
