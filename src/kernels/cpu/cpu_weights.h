#pragma once
// The packed weights of a model on the CPU, by their handles. Filled at load on the engine thread;
// then any thread may read.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/cpu/packed_matrix.h"
#include "kernels/layer_spec.h"
#include "tensor/arena.h"
#include "tensor/buffer.h"
#include "tensor/tensor.h"

namespace tinyllm {

class CpuWeights {
 public:
  // See Backend. Throw Error{out_of_memory}.
  MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order, ThreadPool& pool,
                       bool bf16_pairs);
  VectorId pack_vector(std::span<const Tensor> parts);

  const PackedMatrix& matrix(MatrixId id) const { return *matrices_[static_cast<std::size_t>(id)]; }
  // f32; nullptr for VectorId::none.
  const float* vector(VectorId id) const;

  std::int64_t n_bytes() const;

 private:
  Arena arena_{"packed weights"};
  std::vector<std::unique_ptr<PackedMatrix>> matrices_;
  std::vector<Buffer> vectors_;
};

}  // namespace tinyllm
