#pragma once
// From file tensors to the backend's matrices, on request with fewer bits: they are quantised in
// memory as they load, with the formats that `tinyllm quantize` writes.

#include <span>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "model/weight_formats.h"
#include "tensor/buffer.h"
#include "tensor/tensor.h"

namespace tinyllm {

class MatrixPacker {
 public:
  // Backend and pool must outlive the packer.
  MatrixPacker(Backend& backend, ThreadPool& pool, const WeightFormats& formats);

  // Parts as Backend::pack_matrix takes them.
  MatrixId pack(std::span<const Tensor> parts, PartOrder order, Shard shard);
  MatrixId pack_table(const Tensor& table);

 private:
  MatrixId pack_as(std::span<const Tensor> parts, PartOrder order, Shard shard,
                   DType (WeightFormats::*format)(DType, std::int64_t) const);

  Backend* backend_;
  ThreadPool* pool_;
  WeightFormats formats_;
};

}  // namespace tinyllm
