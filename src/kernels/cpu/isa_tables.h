#pragma once
// The tables of row kernels, one for each instruction set. pick_isa says which this CPU can run.

#include "kernels/cpu/row_kernels.h"

namespace tinyllm {

// Runs everywhere, and is what every other table is tested against.
const RowKernels& scalar_row_kernels();

// x86-64. avx2: with FMA and F16C. avxvnni and avx512 (with VNNI) are avx2 with other panels,
// avx512bf16 is avx512 with bf16_panel, amx is that with a bf16_panel by tiles, amx_emulated is amx
// with tiles in plain C++.
const RowKernels& avx2_row_kernels();
const RowKernels& avxvnni_row_kernels();
const RowKernels& avx512_row_kernels();
const RowKernels& avx512bf16_row_kernels();
const RowKernels& amx_row_kernels();
const RowKernels& amx_emulated_row_kernels();

// 64-bit Arm with the dot-product instructions; neonbf16 is neon with bf16_panel.
const RowKernels& neon_row_kernels();
const RowKernels& neonbf16_row_kernels();

// The attention of one instruction set, which leaves what it does not take to that of `fallback`.
inline AttentionKernels with_fallback(AttentionKernels attention, const RowKernels& fallback) {
  attention.fallback = &fallback.attention;
  return attention;
}

}  // namespace tinyllm
