#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda_device.h"

namespace tinyllm {

int n_cuda_devices() { return cuda::n_devices(); }

std::unique_ptr<Backend> make_cuda_backend(ThreadPool& pool, const DeviceSpec& device) {
  cuda::DeviceOptions options;
  options.device_idx = device.idx;
  options.deterministic = device.deterministic;
  return std::make_unique<cuda::CudaBackend>(pool, options);
}

}  // namespace tinyllm
