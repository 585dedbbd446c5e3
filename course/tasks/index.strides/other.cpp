// Another way to index.strides: each stride by its own product,
// the offset by Horner's rule on differences of strides.
#include "kernels/cpu/scalar/strides.h"

void tinyllm::scalar::row_major_strides(const std::int64_t* dims, int n_dims,
                                        std::int64_t* strides) {
  for (int i = 0; i < n_dims; ++i) {
    strides[i] = 1;
    for (int behind = i + 1; behind < n_dims; ++behind) strides[i] *= dims[behind];
  }
}

std::int64_t tinyllm::scalar::element_offset(const std::int64_t* index, const std::int64_t* strides,
                                             int n_dims) {
  if (n_dims == 0) return 0;
  return index[n_dims - 1] * strides[n_dims - 1] + element_offset(index, strides, n_dims - 1);
}
