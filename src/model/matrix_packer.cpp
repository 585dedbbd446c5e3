#include "model/matrix_packer.h"

#include <vector>

#include "base/error.h"
#include "quant/quantise.h"

namespace tinyllm {

MatrixPacker::MatrixPacker(Backend& backend, ThreadPool& pool, const WeightFormats& formats)
    : backend_(&backend), pool_(&pool), formats_(formats) {}

MatrixId MatrixPacker::pack(std::span<const Tensor> parts, PartOrder order, Shard shard) {
  return pack_as(parts, order, shard, &WeightFormats::matrix);
}

MatrixId MatrixPacker::pack_table(const Tensor& table) {
  return pack_as({&table, 1}, PartOrder::stacked, Shard::rows, &WeightFormats::table);
}

MatrixId MatrixPacker::pack_as(std::span<const Tensor> parts, PartOrder order, Shard shard,
                               DType (WeightFormats::*format)(DType, std::int64_t) const) {
  std::vector<Tensor> tensors(parts.begin(), parts.end());
  std::vector<Buffer> buffers;
  for (Tensor& tensor : tensors) {
    const DType to = (formats_.*format)(tensor.dtype, tensor.n_cols());
    if (to == tensor.dtype) continue;
    Buffer& rows =
        buffers.emplace_back(tensor.n_rows() * row_bytes(to, tensor.n_cols()), "quantised weights");
    // Guesses need no better scales, and nobody wants to wait for them.
    const auto search = formats_.at_most_4_bits ? ScaleSearch::off : ScaleSearch::on;
    if (!quantise_rows(tensor, 0, tensor.n_rows(), to, rows.data(), *pool_, search))
      fail(ErrorCode::invalid_input,
           "a weight of the model is not finite; the file may be damaged");
    tensor = {rows.data(), to, tensor.shape};
  }
  return backend_->pack_matrix(tensors, order, shard);
}

}  // namespace tinyllm
