#pragma once
// Sizes of a tensor, outermost first (row-major): [n_rows, n_cols] for a matrix. At most 4 of them.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace tinyllm {

class Shape {
 public:
  static constexpr int kMaxDims = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);
  void append(std::int64_t dim);

  int n_dims() const { return n_dims_; }
  std::int64_t operator[](int i) const { return dims_[i]; }
  std::int64_t n_elems() const;
  std::int64_t last() const { return n_dims_ == 0 ? 1 : dims_[n_dims_ - 1]; }
  bool operator==(const Shape& other) const = default;

 private:
  std::array<std::int64_t, kMaxDims> dims_{};  // unused ones stay 0
  int n_dims_ = 0;
};

std::string to_string(const Shape& shape);  // "576 x 1536"

}  // namespace tinyllm
