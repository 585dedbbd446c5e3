#if defined(__x86_64__)

#include "kernels/cpu/avxvnni/avxvnni_kernels.h"
#include "kernels/cpu/isa_tables.h"

namespace tinyllm {

const RowKernels& avxvnni_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_panels = avx2_row_kernels();
    with_panels.isa = "avxvnni";
    with_panels.quant_panel = avxvnni::kQuantPanels;
    return with_panels;
  }();
  return table;
}

}  // namespace tinyllm

#endif
