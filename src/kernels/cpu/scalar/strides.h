#pragma once
// Where an element of a row-major array lies. The last index moves fastest: in a [2, 3, 4] array
// one step of the first index skips 12 elements, of the second 4, of the third 1.

#include <cstdint>

namespace tinyllm::scalar {

// strides[i] = dims[i + 1] * dims[i + 2] * ... * dims[n_dims - 1], in elements.
// dims, strides: [n_dims].
void row_major_strides(const std::int64_t* dims, int n_dims, std::int64_t* strides);

// index[0] * strides[0] + ... + index[n_dims - 1] * strides[n_dims - 1]: elements from the start.
std::int64_t element_offset(const std::int64_t* index, const std::int64_t* strides, int n_dims);

}  // namespace tinyllm::scalar
