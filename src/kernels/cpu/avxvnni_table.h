#pragma once
// The AVX-VNNI table: AVX2 with panels that use vpdpbusd on 256-bit registers.

#include "kernels/row_kernels.h"

namespace tinyllm {

const RowKernels& avxvnni_row_kernels();

}  // namespace tinyllm
