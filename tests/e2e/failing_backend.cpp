// For test_serve_failure.py: stands in for kernels/make/make_backend.cpp in the program
// tinyllm_failing, so that the engine of a real `tinyllm serve` runs out of memory in the step
// after the first $TINYLLM_TEST_GOOD_STEPS ones.

#include <cstdlib>

#include "engine/failing_backend_test.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/pick_isa.h"
#include "kernels/make/make_backend.h"

namespace tinyllm {

std::unique_ptr<Backend> make_backend(ThreadPool& pool, const DeviceSpec&) {
  const char* n_good_steps = std::getenv("TINYLLM_TEST_GOOD_STEPS");
  return std::make_unique<FailingBackend>(std::make_unique<CpuBackend>(pool, pick_row_kernels()),
                                          n_good_steps == nullptr ? 0 : std::atoi(n_good_steps));
}

}  // namespace tinyllm
