#pragma once
// What the matrices of a file become in memory, and how much of it they take, known before anything is
// packed.

#include <cstdint>
#include <optional>

#include "loader/checkpoint.h"
#include "tensor/dtype.h"

namespace tinyllm {

struct WeightFormats {
  std::optional<DType> floats;  // q8_0 or q4_k: what float matrices become; empty: as they are
  // A matrix of more bits becomes q4_k, or q4_0 where rows are no whole number of its blocks: for a
  // model that only drafts. A wrong guess costs time and no text, and its speed is that of its bytes.
  bool at_most_4_bits = false;

  // The format of a matrix [., n_cols] that has format `of` in its file. Tables, which are the embedding
  // and the head, keep 6 bits where `floats` is q4_k.
  DType matrix(DType of, std::int64_t n_cols) const;
  DType table(DType of, std::int64_t n_cols) const;
};

// Bytes of all tensors. A backend's own layout takes a few per cent more.
std::int64_t packed_size(const Checkpoint& checkpoint, const WeightFormats& formats);

}  // namespace tinyllm
