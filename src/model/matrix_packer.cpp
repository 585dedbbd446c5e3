#include "model/matrix_packer.h"

#include <vector>

#include "base/error.h"
#include "quant/quantise.h"

namespace tinyllm {

MatrixPacker::MatrixPacker(Backend& backend, ThreadPool& pool, std::optional<DType> quantise)
    : backend_(&backend), pool_(&pool), quantise_(quantise) {}

MatrixId MatrixPacker::pack(std::span<const Tensor> parts, PartOrder order, Shard shard) {
  return pack_as(parts, order, shard, quantise_);
}

MatrixId MatrixPacker::pack_table(const Tensor& table) {
  return pack_as({&table, 1}, PartOrder::stacked, Shard::rows,
                 quantise_ == DType::q4_k ? DType::q6_k : quantise_);
}

MatrixId MatrixPacker::pack_as(std::span<const Tensor> parts, PartOrder order, Shard shard,
                               std::optional<DType> type) {
  std::vector<Tensor> tensors(parts.begin(), parts.end());
  std::vector<Buffer> buffers;
  for (Tensor& tensor : tensors) {
    if (!type || !is_float(tensor.dtype)) continue;
    const DType to = matrix_format(*type, tensor.n_cols());
    Buffer& rows =
        buffers.emplace_back(tensor.n_rows() * row_bytes(to, tensor.n_cols()), "quantised weights");
    if (!quantise_rows(tensor, 0, tensor.n_rows(), to, rows.data(), *pool_))
      fail(ErrorCode::invalid_input,
           "a weight of the model is not finite; the file may be damaged");
    tensor = {rows.data(), to, tensor.shape};
  }
  return backend_->pack_matrix(tensors, order, shard);
}

}  // namespace tinyllm
