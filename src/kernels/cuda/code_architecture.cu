#include <cuda_runtime.h>

#include "kernels/cuda/device_context.h"

namespace tinyllm::cuda {
namespace {

__global__ void probe_kernel() {}

}  // namespace

int code_architecture() {
  cudaFuncAttributes attributes{};
  check(cudaFuncGetAttributes(&attributes, probe_kernel), "which code the device runs");
  return attributes.ptxVersion;
}

}  // namespace tinyllm::cuda
