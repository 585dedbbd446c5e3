#pragma once
// The CUDA backend as the rest of the program sees it: kernels/cuda, or kernels/no_cuda in a build
// without the toolkit. Any thread.

#include <memory>
#include <string>

#include "api/device_spec.h"
#include "base/thread_pool.h"
#include "kernels/backend.h"

namespace tinyllm {

// GPUs that this build and this machine's driver can use; 0 where there is no driver. Never throws.
int n_cuda_devices();

// Throws Error{unsupported} in a build without CUDA, Error{not_found} where there is no such device.
// `pool` packs the weights and must outlive the backend.
std::unique_ptr<Backend> make_cuda_backend(ThreadPool& pool, const DeviceSpec& device);

}  // namespace tinyllm
