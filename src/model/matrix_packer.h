#pragma once
// From file tensors to the backend's matrices, on request with fewer bits (--quantize): float
// matrices are quantised in memory as they load, with the formats that `tinyllm quantize` writes.

#include <optional>
#include <span>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "tensor/buffer.h"
#include "tensor/tensor.h"

namespace tinyllm {

class MatrixPacker {
 public:
  // `quantise`: q8_0 or q4_k for float matrices; empty: as they are. Both must outlive the packer.
  MatrixPacker(Backend& backend, ThreadPool& pool, std::optional<DType> quantise);

  // Parts as Backend::pack_matrix takes them.
  MatrixId pack(std::span<const Tensor> parts, PartOrder order, Shard shard);
  // The embedding or the head: with 4 bits they keep 6.
  MatrixId pack_table(const Tensor& table);

 private:
  MatrixId pack_as(std::span<const Tensor> parts, PartOrder order, Shard shard,
                   std::optional<DType> type);

  Backend* backend_;
  ThreadPool* pool_;
  std::optional<DType> quantise_;
};

}  // namespace tinyllm
