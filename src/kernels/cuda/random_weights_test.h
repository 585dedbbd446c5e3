#pragma once
// Random weights in any file format, for tests of packing and of kernels.

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace tinyllm::cuda {

// The bytes of a matrix [n_rows, n_cols] whose scales are finite, and a view of them.
struct RandomMatrix {
  RandomMatrix(DType dtype, std::int64_t n_rows, std::int64_t n_cols, std::uint64_t seed);
  Tensor tensor() const;

  DType dtype;
  std::int64_t n_rows, n_cols;
  std::vector<std::byte> bytes;
};

}  // namespace tinyllm::cuda
