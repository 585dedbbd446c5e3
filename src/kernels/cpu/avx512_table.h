#pragma once
// The AVX2 + FMA + F16C table.

#include "kernels/row_kernels.h"

namespace tinyllm {

const RowKernels& avx512_row_kernels();

}  // namespace tinyllm
