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
      .quant_panel = avx512::kQuantPanels,
      .float_panel = avx512::kFloatPanels,
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
