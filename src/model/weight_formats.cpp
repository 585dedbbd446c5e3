#include "model/weight_formats.h"

#include "quant/quantise.h"

namespace tinyllm {
namespace {

// As a backend keeps them: the CPU needs 6 or 8 bits for q3_k and iq4_nl.
bool has_4_bits(DType format) {
  return format == DType::q4_0 || format == DType::q4_1 || format == DType::q4_k ||
         format == DType::q2_k;
}

}  // namespace

DType WeightFormats::matrix(DType of, std::int64_t n_cols) const {
  if (at_most_4_bits && !has_4_bits(of) && n_cols % 32 == 0)
    return n_cols % 256 == 0 ? DType::q4_k : DType::q4_0;
  return floats && is_float(of) ? matrix_format(*floats, n_cols) : of;
}

DType WeightFormats::table(DType of, std::int64_t n_cols) const {
  if (at_most_4_bits || floats != DType::q4_k) return matrix(of, n_cols);
  return WeightFormats{.floats = DType::q6_k}.matrix(of, n_cols);
}

std::int64_t packed_size(const Checkpoint& checkpoint, const WeightFormats& formats) {
  std::int64_t n_bytes = 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const std::int64_t n_cols = tensor.n_cols();
    const DType packed =
        tensor.shape.n_dims() >= 2 ? formats.matrix(tensor.dtype, n_cols) : tensor.dtype;
    n_bytes += tensor.n_rows() * row_bytes(packed, n_cols);
  }
  return n_bytes;
}

}  // namespace tinyllm
