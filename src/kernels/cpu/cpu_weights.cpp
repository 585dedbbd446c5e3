#include "kernels/cpu/cpu_weights.h"

#include "quant/decode.h"

namespace tinyllm {

MatrixId CpuWeights::pack_matrix(std::span<const Tensor> parts, PartOrder order, ThreadPool& pool,
                                 bool bf16_pairs) {
  matrices_.push_back(std::make_unique<PackedMatrix>(parts, order, arena_, pool, bf16_pairs));
  return static_cast<MatrixId>(matrices_.size() - 1);
}

VectorId CpuWeights::pack_vector(std::span<const Tensor> parts) {
  std::int64_t n = 0;
  for (const Tensor& part : parts) n += part.shape.n_elems();
  Buffer values(n * 4, "packed weights");
  float* dst = values.as<float>().data();
  for (const Tensor& part : parts) {
    decode_row(part.dtype, part.data, dst, part.shape.n_elems());
    dst += part.shape.n_elems();
  }
  vectors_.push_back(std::move(values));
  return static_cast<VectorId>(vectors_.size() - 1);
}

const float* CpuWeights::vector(VectorId id) const {
  return id == VectorId::none ? nullptr : vectors_[static_cast<std::size_t>(id)].as<float>().data();
}

std::int64_t CpuWeights::n_bytes() const {
  std::int64_t n = 0;
  for (const auto& matrix : matrices_) n += matrix->n_bytes();
  for (const Buffer& vector : vectors_) n += vector.n_bytes();
  return n;
}

}  // namespace tinyllm
