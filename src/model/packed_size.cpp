#include "model/packed_size.h"

#include "quant/quantise.h"

namespace tinyllm {

std::int64_t packed_size(const Checkpoint& checkpoint, std::optional<DType> quantise) {
  std::int64_t n_bytes = 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const bool changes = quantise && tensor.shape.n_dims() >= 2 && is_float(tensor.dtype);
    const DType packed = changes ? matrix_format(*quantise, tensor.n_cols()) : tensor.dtype;
    n_bytes += tensor.n_rows() * row_bytes(packed, tensor.n_cols());
  }
  return n_bytes;
}

}  // namespace tinyllm
