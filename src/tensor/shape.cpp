#include "tensor/shape.h"

#include "base/check.h"

namespace tinyllm {

Shape::Shape(std::initializer_list<std::int64_t> dims) {
  for (const std::int64_t dim : dims) append(dim);
}

void Shape::append(std::int64_t dim) {
  CHECK(n_dims_ < kMaxDims, "a shape has at most {} dimensions", kMaxDims);
  CHECK(dim >= 0, "dimension {} is {}", n_dims_, dim);
  dims_[n_dims_++] = dim;
}

std::int64_t Shape::n_elems() const {
  std::int64_t n = 1;
  for (int i = 0; i < n_dims_; ++i) n *= (*this)[i];
  return n;
}

std::string to_string(const Shape& shape) {
  std::string text;
  for (int i = 0; i < shape.n_dims(); ++i) {
    if (i > 0) text += " x ";
    text += std::to_string(shape[i]);
  }
  return text.empty() ? "scalar" : text;
}

}  // namespace tinyllm
