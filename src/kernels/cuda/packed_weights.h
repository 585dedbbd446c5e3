#pragma once
// A weight matrix as the device keeps it: parts (q, k, v; gate, up) in sections of one format each.
// Block formats keep their codes and scales exactly; floats become bf16. Packing happens on the
// host, into memory that is then copied up whole.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/cuda/weight_layout.h"
#include "kernels/layer_spec.h"
#include "tensor/tensor.h"

namespace tinyllm::cuda {

// Rows that stand together in one format.
struct WeightSection {
  WeightFormat format = WeightFormat::bf16;
  std::int64_t first_row = 0;  // of the result's columns
  std::int64_t n_rows = 0;
  std::int64_t n_padded_rows = 0;
  std::int64_t offset = 0;  // bytes from the matrix's begin, a multiple of 256
};

struct WeightPlan {
  PartOrder order = PartOrder::stacked;
  std::int64_t n_cols = 0;
  std::int64_t n_rows = 0;  // columns of the result
  std::int64_t n_bytes = 0;
  std::vector<WeightSection> sections;
  // For each part: its section, and its first row there (stacked).
  struct Place {
    std::size_t section;
    std::int64_t first_row;
  };
  std::vector<Place> parts;
};

// Which layout a file's format gets.
WeightFormat weight_format_for(DType dtype);

// Interleaved parts of different formats, and rows of 4 bits whose offset f16 cannot hold, widen to
// a format that holds all of them.
WeightPlan plan_weights(std::span<const Tensor> parts, PartOrder order);

// dst: plan.n_bytes bytes, written whole.
void pack_weights(std::span<const Tensor> parts, const WeightPlan& plan, std::byte* dst,
                  ThreadPool& pool);

// The value that the device reads at (row, col) of a section that begins at `section`.
float unpack_weight(WeightFormat format, const std::byte* section, std::int64_t row,
                    std::int64_t col, std::int64_t n_cols);

}  // namespace tinyllm::cuda
