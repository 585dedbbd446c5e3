#pragma once
// The scalar table: runs everywhere, and is what every other table is tested against.

#include "kernels/row_kernels.h"

namespace tinyllm {

const RowKernels& scalar_row_kernels();

}  // namespace tinyllm
