#include "kernels/cpu/isa_tables.h"
#include "kernels/cpu/scalar/add.h"
#include "kernels/cpu/scalar/paged_attention.h"
#include "kernels/cpu/scalar/panels.h"
#include "kernels/cpu/scalar/rms_norm.h"
#include "kernels/cpu/scalar/rope_interleaved.h"
#include "kernels/cpu/scalar/rope_split_halves.h"
#include "kernels/cpu/scalar/silu_mul.h"

namespace tinyllm {
namespace {

template <TileFormat kFormat>
void quant_panel(const std::byte* panel, std::int64_t k, const QuantisedRow* x, const Residuals*,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  scalar::quant_panel(kFormat, panel, k, x, n_tokens, y, y_stride);
}

template <TileFormat kFormat>
void float_panel(const std::byte* panel, std::int64_t k, const float* x, std::int64_t x_stride,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  scalar::float_panel(kFormat, panel, k, x, x_stride, n_tokens, y, y_stride);
}

using enum TileFormat;
constexpr QuantPanelFn kQuantPanels[kNumTileFormats] = {nullptr,
                                                        nullptr,
                                                        nullptr,
                                                        quant_panel<w4s>,
                                                        quant_panel<w4a>,
                                                        quant_panel<w4k>,
                                                        quant_panel<w4k16>,
                                                        quant_panel<w8s>,
                                                        quant_panel<w8a>,
                                                        quant_panel<w8k>,
                                                        quant_panel<w6k16>};
constexpr FloatPanelFn kFloatPanels[kNumTileFormats] = {float_panel<f32>, float_panel<f16>,
                                                        float_panel<bf16>};

}  // namespace

const RowKernels& scalar_row_kernels() {
  static const RowKernels table = {
      .isa = "scalar",
      .rms_norm = scalar::rms_norm,
      .quantise_act = scalar::quantise_act,
      .quant_panel = kQuantPanels,
      .float_panel = kFloatPanels,
      .rope_split_halves = scalar::rope_split_halves,
      .rope_interleaved = scalar::rope_interleaved,
      .store_kv = scalar::store_kv,
      .attention = {.granule = 1,
                    .attend = scalar::attend_pages,
                    .make_partials = scalar::make_partials,
                    .merge_partials = scalar::merge_partials},
      .silu_mul = scalar::silu_mul,
      .add = scalar::add,
  };
  return table;
}

}  // namespace tinyllm
