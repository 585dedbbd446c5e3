#pragma once
// A view of contiguous row-major data: pointer, format, shape. Owns nothing: the bytes belong to a
// Buffer, a MappedFile or a Checkpoint that must outlive it. Copy it freely.

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace tinyllm {

struct Tensor {
  const std::byte* data = nullptr;  // nullptr: an optional weight that this model does not have
  DType dtype = DType::f32;
  Shape shape;

  explicit operator bool() const { return data != nullptr; }
  std::int64_t n_cols() const { return shape.last(); }  // innermost dimension
  std::int64_t n_rows() const { return n_cols() == 0 ? 0 : shape.n_elems() / n_cols(); }
  std::int64_t n_bytes() const { return n_rows() * row_bytes(dtype, n_cols()); }
  const std::byte* row(std::int64_t i) const { return data + i * row_bytes(dtype, n_cols()); }

  // The elements of an f32 tensor. CHECKs the format.
  const float* f32() const;
};

}  // namespace tinyllm
