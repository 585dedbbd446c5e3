#pragma once
// The table for 64-bit Arm with the dot-product instructions.

#include "kernels/row_kernels.h"

namespace tinyllm {

const RowKernels& neon_row_kernels();

}  // namespace tinyllm
