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

enum class ScaleSearch { on, off };  // off: as encode_row, several times as fast

// Rows [begin, begin + n_rows) of a matrix in another format, in parallel; out: n_rows rows of
// `dtype`. False when a weight is not finite: then `out` holds nothing of use.
bool quantise_rows(const Tensor& matrix, std::int64_t begin, std::int64_t n_rows, DType dtype,
                   std::byte* out, ThreadPool& pool, ScaleSearch search = ScaleSearch::on);

// `wanted`, or what stands in for it where rows are no whole number of its blocks. As in llama.cpp,
// q4_k (256 elements a block) becomes q5_0 and q6_k becomes q8_0; formats with 32 elements a block
// become f16.
DType matrix_format(DType wanted, std::int64_t n_cols);

}  // namespace tinyllm
