#pragma once
// The first of the two dispatch points: which device computes. (The second:
// kernels/cpu/pick_isa.h.)

#include <memory>

#include "api/device_spec.h"
#include "base/thread_pool.h"
#include "kernels/backend.h"

namespace tinyllm {

// CPU: the backend with the row kernels that pick_isa chooses. `pool` must outlive it.
// Throws Error{invalid_input} when TINYLLM_ISA or TINYLLM_KERNELS name what is not there; for a GPU
// as make_cuda_backend does.
std::unique_ptr<Backend> make_backend(ThreadPool& pool, const DeviceSpec& device = {});

}  // namespace tinyllm
