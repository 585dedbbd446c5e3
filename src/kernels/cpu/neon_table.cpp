#if defined(__aarch64__)

#include "kernels/cpu/isa_tables.h"
#include "kernels/cpu/neon/neon_kernels.h"

namespace tinyllm {

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
      .attention = with_narrower(neon::kAttention, scalar_row_kernels()),
      .silu_mul = neon::silu_mul,
      .add = neon::add,
  };
  return table;
}

}  // namespace tinyllm

#endif
