#include "kernels/cpu/scalar/strides.h"

void tinyllm::scalar::row_major_strides(const std::int64_t* dims, int n_dims,
                                        std::int64_t* strides) {
  // >>> index.strides
  std::int64_t stride = 1;
  for (int i = n_dims - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= dims[i];
  }
  // <<< index.strides
}

std::int64_t tinyllm::scalar::element_offset(const std::int64_t* index, const std::int64_t* strides,
                                             int n_dims) {
  // >>> index.strides
  std::int64_t offset = 0;
  for (int i = 0; i < n_dims; ++i) offset += index[i] * strides[i];
  return offset;
  // <<< index.strides
}
