#pragma once
// Vectors in memory as bytes with a scale each, and the exact search among them: every row is
// looked at, so nothing near is missed. Results do not depend on threads or instruction set, to the
// bit. One thread at a time may change or search it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "base/thread_pool.h"

namespace tinyllm {

struct RowKernels;

// A vector as it is stored: value[i] = scale * bytes[i].
struct ByteVector {
  float scale = 0;
  std::vector<std::int8_t> bytes;
};

// scale = max|v| / 127; bytes to nearest even. A vector of zeros has scale 0.
ByteVector to_bytes(std::span<const float> vector);

struct NearRow {
  std::size_t row = 0;
  float score = 0;  // the dot product: of vectors of length 1 their cosine
  bool operator==(const NearRow&) const = default;
};

class VectorTable {
 public:
  // n_dims: 1 to 65536.
  explicit VectorTable(std::int64_t n_dims);

  std::int64_t n_dims() const { return n_dims_; }
  std::size_t n_rows() const { return scales_.size(); }
  void reserve(std::size_t n_rows);
  // bytes: [n_dims].
  void add(float scale, std::span<const std::int8_t> bytes);

  // The `k` rows of those that `allowed` names with the largest scores, descending; among equals
  // the first. query: [n_dims] f32, rounded to bytes as the rows are. allowed: [n_rows] or empty:
  // all.
  std::vector<NearRow> nearest(std::span<const float> query, std::size_t k,
                               const std::vector<bool>& allowed, ThreadPool& pool,
                               const RowKernels& kernels) const;

 private:
  std::int64_t n_dims_, stride_;  // a row's bytes: n_dims, then zeros
  std::vector<float> scales_;
  std::vector<std::int8_t> rows_;  // [n_rows, stride]
};

}  // namespace tinyllm
