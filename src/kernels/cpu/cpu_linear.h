#pragma once
// The one linear operator of the CPU: rows of activations times a packed matrix, over all threads,
// and where the result goes. Each element of the result is summed by one thread in one order, so it
// does not depend on how many rows or threads there are, bit for bit. Engine thread only.

#include <cstdint>
#include <vector>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/packed_matrix.h"
#include "kernels/cpu/residual_blocks.h"
#include "kernels/cpu/row_kernels.h"
#include "tensor/buffer.h"

namespace tinyllm {

// The rows of a product: the first n_rows of `rows`, or, where indices is not null, rows
// indices[0] to indices[n_rows - 1], in that order. They must be quantised where the weights are.
struct LinearInput {
  const InputRows& rows;
  std::int64_t n_rows;
  const std::int32_t* indices = nullptr;  // [n_rows]
};

class CpuLinear {
 public:
  // Both must outlive the operator.
  CpuLinear(ThreadPool& pool, const RowKernels& kernels) : pool_(&pool), kernels_(&kernels) {}

  // Makes scratch for products of at most max_rows rows and max_cols columns, of which at most
  // max_gathered_rows rows are given by indices. Throws Error{out_of_memory}.
  void configure(std::int64_t max_rows, std::int64_t max_cols, std::int64_t max_gathered_rows);

  // In what follows y is x W^T, [n_rows, rows of W] f32. n_cols is the number of W's rows without
  // the padding of its last panel.

  // out = y with the padding; out: [n_rows, stride] f32, stride >= weights.n_padded_rows().
  void store(const PackedMatrix& weights, const LinearInput& x, float* out, std::int64_t stride);
  // out += y + bias; out: [n_rows, n_cols] f32, bias: [n_cols] f32 or null.
  void add(const PackedMatrix& weights, const LinearInput& x, const float* bias, float* out,
           std::int64_t n_cols);
  // out = silu(y_gate + b_gate) * (y_up + b_up); out: [n_rows, n_cols]. `weights` holds gate and up
  // interleaved, n_cols rows each; bias: [2, n_cols] f32 or null. Shazeer 2020, SwiGLU.
  void store_gated(const PackedMatrix& weights, const LinearInput& x, const float* bias,
                   InputRows& out, std::int64_t n_cols);

 private:
  // What panels read, when the rows of a product are ready.
  struct PanelInput {
    const QuantisedRow* quantised;  // [n_rows]
    const float* values;            // [n_rows, stride]
    std::int64_t stride;
    std::int64_t n_rows;
  };
  PanelInput prepare(const PackedMatrix& weights, const LinearInput& x);
  // Rows t to t + n of `gathered` become rows indices[t] and so on of x.
  void gather(const PackedMatrix& weights, const LinearInput& x, std::int64_t t, std::int64_t n);

  // y [n, 32] = rows t to t + n of x times one panel; n <= kMaxPanelTokens.
  void multiply_panel(const PackedMatrix& weights, std::int64_t panel, const PanelInput& x,
                      std::int64_t t, std::int64_t n, float* y) const;
  // each(panel, t, n) for groups of `group` neighbouring panels, in parallel, and all rows of x,
  // t to t + n at a time, n at most kMaxPanelTokens.
  void for_each_block(const PackedMatrix& weights, std::int64_t group, std::int64_t n_rows,
                      function_ref<void(std::int64_t panel, std::int64_t t, std::int64_t n)> each);
  // For every panel and up to kMaxPanelTokens rows of x at a time:
  // sink(first column, first row, n rows, y) with y as above.
  using Sink = function_ref<void(std::int64_t col, std::int64_t t, std::int64_t n, const float* y)>;
  void multiply(const PackedMatrix& weights, const LinearInput& x, Sink sink);

  ThreadPool* pool_;
  const RowKernels* kernels_;
  ResidualBlocks residuals_;
  // Of rows that are given by indices.
  std::vector<QuantisedRow> gathered_;  // [max_gathered_rows] views of the rows
  Buffer gathered_values_;              // [max_gathered_rows, max_cols] f32, for float weights
};

}  // namespace tinyllm
