#if defined(__x86_64__)

#include "kernels/cpu/avx512_table.h"

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx512/avx512_kernels.h"

namespace tinyllm {

// The panels are where the time goes; what works on single rows is AVX2's.
const RowKernels& avx512_row_kernels() {
  static const RowKernels table = {
      .isa = "avx512",
      .rms_norm = avx2::rms_norm,
      .quantise_act = avx2::quantise_act,
      // in the order of TileFormat: f32, f16, bf16, then the quantised ones
      .quant_panel = {nullptr, nullptr, nullptr, avx512::panel_w4s, avx512::panel_w4a,
                      avx512::panel_w4k, avx512::panel_w4k16, avx512::panel_w8s, avx512::panel_w8a,
                      avx512::panel_w8k, avx512::panel_w6k16},
      .float_panel = {avx512::panel_f32, avx512::panel_f16, avx512::panel_bf16},
      .rope_split_halves = avx2::rope_split_halves,
      .rope_interleaved = avx2::rope_interleaved,
      .store_kv = avx2::store_kv,
      .attention = avx2::attention,
      .silu_mul = avx2::silu_mul,
      .add = avx2::add,
  };
  return table;
}

}  // namespace tinyllm

#endif
