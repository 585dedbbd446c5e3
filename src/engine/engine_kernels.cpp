#include "engine/engine_kernels.h"

#include "kernels/make/cpu_kernels.h"

namespace tinyllm {

std::string engine_kernels() { return cpu_kernels_line(); }

}  // namespace tinyllm
