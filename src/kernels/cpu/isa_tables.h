#pragma once
// The tables of row kernels, one an instruction set. Which of them this CPU can run, pick_isa says.

#include "kernels/cpu/row_kernels.h"

namespace tinyllm {

// Runs everywhere, and is what every other table is tested against.
const RowKernels& scalar_row_kernels();

// x86-64. avx2: with FMA and F16C. avxvnni and avx512 (with VNNI) are avx2 with other panels.
const RowKernels& avx2_row_kernels();
const RowKernels& avxvnni_row_kernels();
const RowKernels& avx512_row_kernels();

// 64-bit Arm with the dot-product instructions.
const RowKernels& neon_row_kernels();

// For a table's entry: attention that leaves to `narrower`, which lives on, what it does not take.
inline AttentionKernels with_narrower(AttentionKernels attention, const RowKernels& narrower) {
  attention.narrower = &narrower.attention;
  return attention;
}

}  // namespace tinyllm
