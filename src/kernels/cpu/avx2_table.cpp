#if defined(__x86_64__)

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/isa_tables.h"

namespace tinyllm {

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
      .attention = with_narrower(avx2::kAttention, scalar_row_kernels()),
      .silu_mul = avx2::silu_mul,
      .add = avx2::add,
  };
  return table;
}

}  // namespace tinyllm

#endif
