// What stands in for kernels/cuda in a build without the CUDA toolkit.

#include "base/error.h"
#include "kernels/cuda_device.h"

namespace tinyllm {

int n_cuda_devices() { return 0; }

std::unique_ptr<Backend> make_cuda_backend(ThreadPool&, const DeviceSpec&) {
  fail(ErrorCode::unsupported,
       "this build has no CUDA: install the CUDA toolkit (nvcc) and build again");
}

}  // namespace tinyllm
