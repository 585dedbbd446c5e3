// Stands in for kernels/make/make_backend.cpp in the unit tests: with TINYLLM_TEST_LAG=1 in the
// environment every engine that they open works a step behind, as on a GPU. `./tiny test` runs the
// engine's tests both ways; each holds texts against lone runs, so both give equal texts.

#include <cstdlib>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/pick_isa.h"
#include "kernels/lagging_backend_test.h"
#include "kernels/make/make_backend.h"

namespace tinyllm {

std::unique_ptr<Backend> make_backend(ThreadPool& pool, const DeviceSpec&) {
  auto backend = std::make_unique<CpuBackend>(pool, pick_row_kernels());
  const char* lag = std::getenv("TINYLLM_TEST_LAG");
  if (lag == nullptr) return backend;
  return std::make_unique<LaggingBackend>(std::move(backend), std::atoi(lag), 1u);
}

}  // namespace tinyllm
