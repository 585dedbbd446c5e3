#include "kernels/cpu/isa_tables.h"

#include "kernels/cpu/scalar/add.h"
#include "kernels/cpu/scalar/dot_i8.h"
#include "kernels/cpu/scalar/gelu.h"
#include "kernels/cpu/scalar/layer_norm.h"
#include "kernels/cpu/scalar/paged_attention.h"
#include "kernels/cpu/scalar/panels.h"
#include "kernels/cpu/scalar/rms_norm.h"
#include "kernels/cpu/scalar/rope_interleaved.h"
#include "kernels/cpu/scalar/rope_split_halves.h"
#include "kernels/cpu/scalar/silu_mul.h"
#if defined(__x86_64__)
#include "kernels/cpu/amx/amx_kernels.h"
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512bf16/avx512bf16_kernels.h"
#include "kernels/cpu/avxvnni/avxvnni_kernels.h"
#elif defined(__aarch64__)
#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neonbf16/neonbf16_kernels.h"
#endif

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
constexpr QuantPanelFn kQuantPanels[kNumTileFormats] = {
    nullptr,          nullptr,          nullptr,          nullptr,
    quant_panel<w4s>, quant_panel<w4a>, quant_panel<w4k>, quant_panel<w4k16>,
    quant_panel<w8s>, quant_panel<w8a>, quant_panel<w8k>, quant_panel<w6k16>};
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
      .attention = {.page_multiple = 1,
                    .attend = scalar::attend_pages,
                    .make_partials = scalar::make_partials,
                    .merge_partials = scalar::merge_partials},
      .silu_mul = scalar::silu_mul,
      .add = scalar::add,
      .layer_norm = scalar::layer_norm,
      .gelu = scalar::gelu,
      .dot_i8 = scalar::dot_i8,
  };
  return table;
}

#if defined(__x86_64__)

const RowKernels& avx2_row_kernels() {
  static const RowKernels table = {
      .isa = "avx2",
      .rms_norm = avx2::rms_norm,
      .quantise_act = avx2::quantise_act,
      .quant_panel = avx2::kQuantPanels,
      .float_panel = avx2::kFloatPanels,
      .rope_split_halves = avx2::rope_split_halves,
      .rope_interleaved = avx2::rope_interleaved,
      .store_kv = avx2::store_kv,
      .attention = with_fallback(avx2::kAttention, scalar_row_kernels()),
      .silu_mul = avx2::silu_mul,
      .add = avx2::add,
      .layer_norm = avx2::layer_norm,
      .gelu = avx2::gelu,
      .dot_i8 = avx2::dot_i8,
  };
  return table;
}

const RowKernels& avxvnni_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_panels = avx2_row_kernels();
    with_panels.isa = "avxvnni";
    with_panels.quant_panel = avxvnni::kQuantPanels;
    return with_panels;
  }();
  return table;
}

// Panels and attention are where the time goes; what works on single rows is AVX2's.
const RowKernels& avx512_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_panels = avx2_row_kernels();
    with_panels.isa = "avx512";
    with_panels.quant_panel = avx512::kQuantPanels;
    with_panels.float_panel = avx512::kFloatPanels;
    with_panels.attention = with_fallback(avx512::kAttention, avx2_row_kernels());
    with_panels.dot_i8 = avx512::dot_i8;
    return with_panels;
  }();
  return table;
}

const RowKernels& avx512bf16_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_bf16 = avx512_row_kernels();
    with_bf16.isa = "avx512bf16";
    with_bf16.exact_isa = avx512_row_kernels().isa;
    with_bf16.bf16_panel = avx512bf16::bf16_panel;
    with_bf16.round_act = avx512bf16::round_act;
    return with_bf16;
  }();
  return table;
}

const RowKernels& amx_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_tiles = avx512bf16_row_kernels();
    with_tiles.isa = "amx";
    with_tiles.bf16_panel = amx::bf16_panel;
    return with_tiles;
  }();
  return table;
}

const RowKernels& amx_emulated_row_kernels() {
  static const RowKernels table = [] {
    RowKernels emulated = amx_row_kernels();
    emulated.isa = "amx_emulated";
    emulated.bf16_panel = amx::emulated_bf16_panel;
    return emulated;
  }();
  return table;
}

#elif defined(__aarch64__)

const RowKernels& neon_row_kernels() {
  static const RowKernels table = {
      .isa = "neon",
      .rms_norm = neon::rms_norm,
      .quantise_act = neon::quantise_act,
      .quant_panel = neon::kQuantPanels,
      .float_panel = neon::kFloatPanels,
      .rope_split_halves = neon::rope_split_halves,
      .rope_interleaved = neon::rope_interleaved,
      .store_kv = neon::store_kv,
      .attention = with_fallback(neon::kAttention, scalar_row_kernels()),
      .silu_mul = neon::silu_mul,
      .add = neon::add,
      .layer_norm = neon::layer_norm,
      .gelu = neon::gelu,
      .dot_i8 = neon::dot_i8,
  };
  return table;
}

const RowKernels& neonbf16_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_bf16 = neon_row_kernels();
    with_bf16.isa = "neonbf16";
    with_bf16.exact_isa = neon_row_kernels().isa;
    with_bf16.bf16_panel = neonbf16::bf16_panel;
    with_bf16.round_act = neonbf16::round_act;
    return with_bf16;
  }();
  return table;
}

#endif

}  // namespace tinyllm
