#pragma once
// The CPU's instruction-set boundary: a table of plain functions, filled by each ISA folder and
// chosen in pick_isa.cpp. Every entry works on rows (or a 32-row panel) and is called by whichever
// thread has those rows in its cache; no entry allocates, waits or throws.
//
// Contract of every entry: the value of a row depends on that row's input alone, never on how many
// rows or tokens stand beside it, bit for bit: there is one order of addition. Integer parts equal
// the scalar entry exactly; float parts may differ from it by rounding. No pointers alias where
// nothing is said. Rows of activations are padded to a multiple of 32 elements.

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/attention_queries.h"
#include "kernels/cpu/layout/kv_pages.h"
#include "kernels/cpu/layout/quantised_row.h"
#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm {

// One panel times some tokens: y[t * y_stride + r] = sum_k W[r][k] x[t][k] for r in [0, 32).
// The sum runs over tiles in ascending k with one f32 accumulator a row:
//   acc = fma(scale * x_scale, float(dot), acc), then with a min
//   acc = fma(-min, scaled sum of x, acc)
// where dot is the exact int32 sum over the group. After every 8 tiles come the residual planes of
// those among them whose activations are split, ascending, in the same way but for the mins, which
// the scaled sums have covered. Where groups have 16 columns, a table may take the two of a tile
// together (group scales times dots in int32, then the row's super-scale), and mins go by the sums
// of each plane. At most kMaxPanelTokens tokens a call. residuals: of these rows; one token needs
// none.
using QuantPanelFn = void (*)(const std::byte* panel, std::int64_t k, const QuantisedRow* x,
                              const Residuals* residuals, std::int64_t n_tokens, float* y,
                              std::int64_t y_stride);
// The same for float tiles: acc = fma(float(W[r][k]), x[t][k], acc), k ascending.
// x: [n_tokens, x_stride] f32.
using FloatPanelFn = void (*)(const std::byte* panel, std::int64_t k, const float* x,
                              std::int64_t x_stride, std::int64_t n_tokens, float* y,
                              std::int64_t y_stride);

// The same for tiles of bf16_pairs with x in bf16 (round_act): acc += W[r][k] x[t][k] +
// W[r][k + 1] x[t][k + 1] by the CPU's own instruction for pairs, k ascending. An odd row ends with
// a zero. x: [n_tokens, x_stride] bf16, x_stride even.
using Bf16PanelFn = void (*)(const std::byte* panel, std::int64_t k, const std::uint16_t* x,
                             std::int64_t x_stride, std::int64_t n_tokens, float* y,
                             std::int64_t y_stride);

// RowKernels::isa of a table with entries of several.
inline constexpr const char* kMixedIsa = "mixed";

struct RowKernels {
  const char* isa;
  const char* exact_isa = nullptr;  // the name of this table without bf16_panel, if it has that

  // out[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i]; out may be x. Zhang & Sennrich 2019.
  void (*rms_norm)(const float* x, const float* weight, float* out, std::int64_t n, float eps);
  // Groups of 32: scale = max|x| / 127, q = round to nearest even of x / scale. A group is split
  // when scale^2 > split_above * mean of scale^2 over the row (0: all); then the residual
  // fma(-scale, q, x) is quantised likewise. Sums are of q, scaled_sum of both planes. n % 32 == 0.
  // A group that holds a NaN or an infinity gets scale NaN and q = 0: the NaN stays visible.
  void (*quantise_act)(const float* x, std::int64_t n, float split_above, const QuantisedRow& out);
  // [kNumTileFormats] each; float formats are null in quant_panel, all but f32, f16 and bf16 in
  // float_panel.
  const QuantPanelFn* quant_panel;
  const FloatPanelFn* float_panel;
  // Null where the CPU multiplies no bf16; then matrices of bf16 are kept as TileFormat::bf16.
  Bf16PanelFn bf16_panel = nullptr;
  // out[i] = x[i] as bf16, to nearest even; n % 32 == 0.
  void (*round_act)(const float* x, std::int64_t n, std::uint16_t* out) = nullptr;
  // Rotates one head in place: pairs (i, i + d/2) or (2i, 2i + 1) by the angle whose cos[i], sin[i]
  // are given, i in [0, head_dim / 2). Su et al. 2021.
  void (*rope_split_halves)(float* x, const float* cos, const float* sin, std::int64_t head_dim);
  void (*rope_interleaved)(float* x, const float* cos, const float* sin, std::int64_t head_dim);
  // Writes one position's key and value [head_dim] f32 into row `offset` of block `block`.
  void (*store_kv)(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
                   const float* v);
  // The widest of this instruction set; attention_for finds the one that takes given pages.
  AttentionKernels attention;
  // out[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + exp(-x)); out may be gate. Shazeer 2020.
  void (*silu_mul)(const float* gate, const float* up, float* out, std::int64_t n);
  void (*add)(float* x, const float* y, std::int64_t n);  // x[i] += y[i]: biases and residuals
  // Of encoders. out[i] = (x[i] - mean) / sqrt(variance + eps) * weight[i] + bias[i]; out may be x.
  // Ba et al. 2016.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float* out,
                     std::int64_t n, float eps);
  // out[i] = x[i] / 2 * (1 + erf(x[i] / sqrt(2))); out may be x. Hendrycks & Gimpel 2016.
  void (*gelu)(const float* x, float* out, std::int64_t n);
  // Of a search over vectors. out[r] = sum over i of rows[r][i] * x[i], exact. rows: [n_rows, n] i8,
  // x: [n] i8; n % 64 == 0, n <= 65536.
  void (*dot_i8)(const std::int8_t* rows, std::int64_t n_rows, std::int64_t n, const std::int8_t* x,
                 std::int32_t* out);
};

}  // namespace tinyllm
