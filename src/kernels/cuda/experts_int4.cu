// The experts' products for int4 weights.

#include "kernels/cuda/expert_kernel.cuh"

namespace tinyllm::cuda {

void launch_experts_int4(const DeviceContext& context, ExpertArgs args, int n_cols, int max_units,
                         int chunk_rows) {
  launch_expert_format<Int4Blocks>(context, args, n_cols, max_units, chunk_rows);
}

}  // namespace tinyllm::cuda
