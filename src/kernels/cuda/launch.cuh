#pragma once
// The one way to launch a kernel. With programmatic dependent launch (Hopper's code) a kernel may start
// while the one before it still runs. So every kernel that is launched here
//   - calls wait_for_previous_kernel() before it touches anything that an earlier kernel writes, or
//     writes anything that an earlier kernel reads; before it only weights may be read;
//   - calls let_next_kernel_start() as early as it likes.
// A kernel that never waits lets the next but one overtake it: every kernel waits.

#include <cuda_runtime.h>

#include "kernels/cuda/device_context.h"

namespace tinyllm::cuda {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  // dynamic
  unsigned cluster = 1;          // blocks of a cluster, along x; only where has_hopper_code()
};

template <typename... Params, typename... Args>
void launch(const DeviceContext& context, const char* name, void (*kernel)(Params...),
            const LaunchShape& shape, Args... args) {
  if (shape.shared_bytes > 48 * 1024) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shape.shared_bytes)),
          name);
  }
  cudaLaunchAttribute attributes[2];
  unsigned n_attributes = 0;
  if (context.overlaps_launches()) {
    attributes[n_attributes].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[n_attributes++].val.programmaticStreamSerializationAllowed = 1;
  }
  if (shape.cluster > 1) {
    attributes[n_attributes].id = cudaLaunchAttributeClusterDimension;
    attributes[n_attributes].val.clusterDim.x = shape.cluster;
    attributes[n_attributes].val.clusterDim.y = 1;
    attributes[n_attributes++].val.clusterDim.z = 1;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = context.stream();
  config.attrs = attributes;
  config.numAttrs = n_attributes;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...), name);
  if (context.checks_each_launch()) check(cudaStreamSynchronize(context.stream()), name);
}

}  // namespace tinyllm::cuda
