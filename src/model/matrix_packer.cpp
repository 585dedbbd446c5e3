#include "model/matrix_packer.h"

#include <vector>

#include "quant/decode.h"
#include "quant/quantise.h"

namespace tinyllm {
namespace {

bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

Buffer quantised(const Tensor& tensor, DType type, ThreadPool& pool) {
  const std::int64_t n_cols = tensor.n_cols(), n_bytes = row_bytes(type, n_cols);
  Buffer rows(tensor.n_rows() * n_bytes, "quantised weights");
  const int n_workers = pool.n_workers();
  std::vector<std::vector<float>> floats(static_cast<std::size_t>(n_workers),
                                         std::vector<float>(static_cast<std::size_t>(n_cols)));
  pool.parallel_for(tensor.n_rows(), 16, [&](int worker, std::int64_t begin, std::int64_t end) {
    float* row = floats[static_cast<std::size_t>(worker)].data();
    for (std::int64_t i = begin; i < end; ++i) {
      decode_row(tensor.dtype, tensor.row(i), row, n_cols);
      quantise_row(type, row, rows.data() + i * n_bytes, n_cols);
    }
  });
  return rows;
}

}  // namespace

MatrixPacker::MatrixPacker(Backend& backend, ThreadPool& pool, std::optional<DType> quantise)
    : backend_(&backend), pool_(&pool), quantise_(quantise) {}

MatrixId MatrixPacker::pack(std::span<const Tensor> parts) { return pack_as(parts, quantise_); }

MatrixId MatrixPacker::pack_table(const Tensor& table) {
  return pack_as({&table, 1}, quantise_ == DType::q4_k ? DType::q6_k : quantise_);
}

MatrixId MatrixPacker::pack_as(std::span<const Tensor> parts, std::optional<DType> type) {
  std::vector<Tensor> tensors(parts.begin(), parts.end());
  std::vector<Buffer> buffers;
  for (Tensor& tensor : tensors) {
    if (!type || !is_float(tensor.dtype)) continue;
    const DType to = matrix_format(*type, tensor.n_cols());
    buffers.push_back(quantised(tensor, to, *pool_));
    tensor = {buffers.back().data(), to, tensor.shape};
  }
  return backend_->pack_matrix(tensors);
}

}  // namespace tinyllm
