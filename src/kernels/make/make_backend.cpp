#include "kernels/make/make_backend.h"

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/pick_isa.h"

namespace tinyllm {

std::unique_ptr<Backend> make_backend(ThreadPool& pool) {
  return std::make_unique<CpuBackend>(pool, pick_row_kernels());
}

}  // namespace tinyllm
