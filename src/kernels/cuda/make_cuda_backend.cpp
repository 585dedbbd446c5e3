#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda_device.h"

namespace tinyllm {

int n_cuda_devices() { return cuda::n_devices(); }

std::unique_ptr<Backend> make_cuda_backend(ThreadPool& pool, int device_idx) {
  cuda::DeviceOptions options;
  options.device_idx = device_idx;
  return std::make_unique<cuda::CudaBackend>(pool, options);
}

}  // namespace tinyllm
