#if defined(__x86_64__)

#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/isa_tables.h"

namespace tinyllm {

// Panels and attention are where the time goes; what works on single rows is AVX2's.
const RowKernels& avx512_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_panels = avx2_row_kernels();
    with_panels.isa = "avx512";
    with_panels.quant_panel = avx512::kQuantPanels;
    with_panels.float_panel = avx512::kFloatPanels;
    with_panels.attention = with_narrower(avx512::kAttention, avx2_row_kernels());
    return with_panels;
  }();
  return table;
}

}  // namespace tinyllm

#endif
