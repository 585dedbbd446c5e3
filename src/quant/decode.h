#pragma once
// One row of any weight format -> f32. Each block format has its own file (quant/q4_k.cpp: layout,
// decode, and encode where we write the format). Exact: the value that the format defines, in f32.

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace tinyllm {

// src: row_bytes(dtype, n_elems) bytes, any alignment. dst: [n_elems] f32. n_elems: whole blocks.
void decode_row(DType dtype, const std::byte* src, float* dst, std::int64_t n_elems);

// Nearest representable row; formats without an encoder throw Error{unsupported}. Encoders: floats,
// q8_0, q4_0, q4_1, q5_0, q4_k. src: [n_elems] f32, dst: row_bytes(dtype, n_elems) bytes.
void encode_row(DType dtype, const float* src, std::byte* dst, std::int64_t n_elems);

}  // namespace tinyllm
