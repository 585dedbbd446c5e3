#pragma once
// The one linear operator of the CPU: rows of activations times a packed matrix, over all threads,
// and where the result goes. Each element of the result is summed by one thread in one order, so it
// does not depend on how many rows or threads there are, bit for bit. Engine thread only.

#include <cstdint>
#include <span>
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
// indices[0] to indices[n_rows - 1], in that order. They must have the forms that the weights read.
struct LinearInput {
  const InputRows& rows;
  std::int64_t n_rows;
  const std::int32_t* indices = nullptr;  // [n_rows]
};

// One of several products that share a pass: a matrix of its own times some neighbouring rows of
// the input. No row may be in two groups.
struct LinearGroup {
  const PackedMatrix* weights = nullptr;
  std::int64_t n_cols = 0;  // rows of W (of gate, where it holds gate and up) without padding
  std::int64_t first_row = 0, n_rows = 0;
};

class CpuLinear {
 public:
  // Both must outlive the operator.
  CpuLinear(ThreadPool& pool, const RowKernels& kernels) : pool_(&pool), kernels_(&kernels) {}

  // Makes scratch for products of at most max_rows rows and max_cols columns, of which at most
  // max_gathered_rows rows are given by indices, in at most max_groups groups. Throws
  // Error{out_of_memory}.
  void configure(std::int64_t max_rows, std::int64_t max_cols, std::int64_t max_gathered_rows,
                 std::int64_t max_groups = 1);

  // In what follows y is x W^T, [n_rows, rows of W] f32. n_cols is the number of W's rows without
  // the padding of its last panel.

  // out = y with the padding; out: [n_rows, stride] f32, stride >= weights.n_padded_rows().
  void store(const PackedMatrix& weights, const LinearInput& x, float* out, std::int64_t stride);
  // out += y + bias; out: [n_rows, n_cols] f32, bias: [n_cols] f32 or null.
  void add(const PackedMatrix& weights, const LinearInput& x, const float* bias, float* out,
           std::int64_t n_cols);
  // out = silu(y_gate + b_gate) * (y_up + b_up); out: [n_rows, n_cols]. `weights` holds gate and up
  // interleaved, n_cols rows each; bias: [2, n_cols] f32 or null. Shazeer 2020, SwiGLU. Columns
  // from n_cols to the next whole tile become 0.
  void store_gated(const PackedMatrix& weights, const LinearInput& x, const float* bias,
                   InputRows& out, std::int64_t n_cols);

  // The same for several groups in one pass: row t of `out` belongs to row t of x, whichever group
  // it is in. A row's bits are those of a product of its own.
  void store(std::span<const LinearGroup> groups, const LinearInput& x, float* out,
             std::int64_t stride);
  void store_gated(std::span<const LinearGroup> groups, const LinearInput& x, InputRows& out);

 private:
  // Rows of one group that a panel takes together, and where their residual planes are.
  struct Block {
    const LinearGroup* group;
    std::int64_t first_row, n_rows;
  };
  // What panels read, when the rows of a pass are ready.
  struct PassInput {
    const QuantisedRow* quantised;  // [n_rows]
    const float* values;            // [n_rows, stride]
    const std::uint16_t* rounded;   // [n_rows, stride]
    std::int64_t stride;
  };
  PassInput prepare(std::span<const LinearGroup> groups, const LinearInput& x);
  // The rows become rows indices[0] and so on of x.
  void gather(std::span<const LinearGroup> groups, const LinearInput& x);

  // y [block.n_rows, 32] = the block's rows of x times one panel of its matrix.
  void multiply_panel(const PassInput& x, std::int64_t block, std::int64_t panel, float* y) const;
  // each(panel, block) for runs of `panels_at_once` neighbouring panels of each group, in parallel,
  // and all blocks of the group.
  void for_each_block(std::span<const LinearGroup> groups, std::int64_t panels_at_once,
                      function_ref<void(std::int64_t panel, std::int64_t block)> each);
  // For every panel and block: sink(first column, block, y) with y as above.
  using Sink = function_ref<void(std::int64_t col, const Block& block, const float* y)>;
  void multiply(std::span<const LinearGroup> groups, const LinearInput& x, Sink sink);
  void multiply_gated(std::span<const LinearGroup> groups, const LinearInput& x, const float* bias,
                      InputRows& out);

  ThreadPool* pool_;
  const RowKernels* kernels_;
  ResidualBlocks residuals_;
  // Of the pass.
  std::vector<Block> blocks_;              // in the order of the groups
  std::vector<std::int64_t> first_block_;  // [groups + 1]
  std::vector<std::int64_t> first_item_;   // [groups + 1] runs of panels before a group's
  // Of rows that are given by indices.
  std::vector<QuantisedRow> gathered_;  // [max_gathered_rows] views of the rows
  Buffer gathered_values_;              // [max_gathered_rows, max_cols] f32, for float weights
  Buffer gathered_rounded_;             // the same in bf16
};

}  // namespace tinyllm
