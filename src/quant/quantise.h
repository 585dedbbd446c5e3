#pragma once
// Rows for files: as encode_row (quant/decode.h), with scales that were searched for.

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"
#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace tinyllm {

// Formats with a search: q4_0, q5_0, q4_k, q6_k; the others as encode_row, which throws where there
// is no encoder. src: [n_elems] f32, dst: row_bytes(dtype, n_elems) bytes.
void quantise_row(DType dtype, const float* src, std::byte* dst, std::int64_t n_elems);

// Rows [begin, begin + n_rows) of a matrix in another format, in parallel; out: n_rows rows of
// `dtype`. False when a weight is not finite: what stands in `out` is then worth nothing.
bool quantise_rows(const Tensor& matrix, std::int64_t begin, std::int64_t n_rows, DType dtype,
                   std::byte* out, ThreadPool& pool);

// The format of a matrix whose rows are no whole number of `wanted` blocks: q4_k (256 elements a
// block) becomes q5_0 and q6_k q8_0, as llama.cpp's quantiser has it; formats with 32 a block
// become f16. Otherwise `wanted` itself.
DType matrix_format(DType wanted, std::int64_t n_cols);

}  // namespace tinyllm
