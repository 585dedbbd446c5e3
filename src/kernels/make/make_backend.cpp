#include "kernels/make/make_backend.h"

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/pick_isa.h"
#include "kernels/cuda_device.h"

namespace tinyllm {

std::unique_ptr<Backend> make_backend(ThreadPool& pool, const DeviceSpec& device) {
  const bool is_cuda = device.kind == DeviceKind::cuda ||
                       (device.kind == DeviceKind::automatic && n_cuda_devices() > 0);
  if (is_cuda) return make_cuda_backend(pool, device);
  const RowKernels kernels = pick_row_kernels();
  return std::make_unique<CpuBackend>(pool,
                                      device.exact_float ? with_exact_floats(kernels) : kernels);
}

}  // namespace tinyllm
