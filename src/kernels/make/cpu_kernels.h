#pragma once
// For people: which tables of row kernels this CPU has, best first, and what keeps it from AMX.

#include <string>

namespace tinyllm {

// One line, e.g. "avx512, avx512bf16, avx2, scalar; this CPU has no AMX".
std::string cpu_kernels_line();

}  // namespace tinyllm
