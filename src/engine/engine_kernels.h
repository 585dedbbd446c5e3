#pragma once
// What the engine would compute with on this CPU, for whoever reports on the machine.

#include <string>

namespace tinyllm {

// Tables of row kernels, best first, and what keeps this CPU from AMX, in one line.
std::string engine_kernels();

}  // namespace tinyllm
