#include "kernels/make/cpu_kernels.h"

#include "kernels/cpu/pick_isa.h"

namespace tinyllm {

std::string cpu_kernels_line() { return describe_isas(); }

}  // namespace tinyllm
