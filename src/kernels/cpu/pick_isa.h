#pragma once
// Which instruction set the CPU kernels use: the one place that looks at cpuid
// (Arm: at the auxiliary vector).
//   TINYLLM_ISA=scalar|avx2|avxvnni|avx512|avx512bf16|amx|neon|neonbf16
//                                              a whole table instead of the best one
//   TINYLLM_KERNELS=rms_norm=scalar,add=scalar   single entries from another table

#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu/row_kernels.h"

namespace tinyllm {

// Names of the tables that this CPU can run, best first; "scalar" is always the last.
std::vector<std::string_view> available_isas();

// These, and behind them the tables that this CPU runs for tests only: amx_emulated.
std::vector<std::string_view> testable_isas();

// The available ones as a line for people, and what is missing for AMX.
std::string describe_isas();

// The table of one of them. CHECKs that it is available.
const RowKernels& row_kernels(std::string_view isa);

// The best available table, changed as the two settings say (empty: no change). Throws
// Error{invalid_input} for a name that is unknown or that this CPU lacks, and lists what it has.
RowKernels pick_row_kernels(std::string_view isa_setting, std::string_view kernels_setting);

// The same from the environment.
RowKernels pick_row_kernels();

// The table without bf16_panel: weights of bf16 meet activations of f32.
RowKernels with_exact_floats(RowKernels table);

}  // namespace tinyllm
