#if defined(__x86_64__)

#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/isa_tables.h"

namespace tinyllm {

// The panels are where the time goes; what works on single rows is AVX2's.
const RowKernels& avx512_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_panels = avx2_row_kernels();
    with_panels.isa = "avx512";
    with_panels.quant_panel = avx512::kQuantPanels;
    with_panels.float_panel = avx512::kFloatPanels;
    return with_panels;
  }();
  return table;
}

}  // namespace tinyllm

#endif
