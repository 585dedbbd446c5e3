#pragma once
// A weight matrix in tiles: parts (q, k, v; gate, up), each in whole panels of its own format, one
// part after the other or with their panels in turn. Its bytes live in an arena, panel after panel.
// Immutable after construction: any thread may read.

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/layout/tile_format.h"
#include "kernels/layer_spec.h"
#include "tensor/arena.h"
#include "tensor/tensor.h"

namespace tinyllm {

class PackedMatrix {
 public:
  struct Part {
    TileFormat format;
    std::int64_t n_rows;
    std::int64_t first_panel;  // stacked: its columns of the result begin at 32 * first_panel
    std::int64_t begin;        // byte of its panel 0
    std::int64_t step;         // bytes from one of its panels to the next
  };

  // parts: [n_rows_i, n_cols] each. Repacks in parallel. bf16_pairs: how bf16 is kept
  // (tile_format.h). Throws Error{out_of_memory}.
  PackedMatrix(std::span<const Tensor> parts, PartOrder order, Arena& arena, ThreadPool& pool,
               bool bf16_pairs = false);

  std::int64_t n_cols() const { return n_cols_; }
  std::int64_t n_panels() const { return n_panels_; }
  std::int64_t n_padded_rows() const { return n_panels_ * kTileRows; }  // columns of a result row
  std::int64_t n_bytes() const { return n_bytes_; }
  std::span<const Part> parts() const { return parts_; }
  RowForms reads() const;  // the activations that its panels multiply

  TileFormat format_of_panel(std::int64_t panel) const { return locate(panel).part->format; }
  const std::byte* panel(std::int64_t panel) const { return bytes_ + locate(panel).begin(); }

  // Row `row` of the first part as f32, [n_cols]: an embedding lookup.
  void unpack(std::int64_t row, float* dst) const;

 private:
  struct PanelOfPart {
    const Part* part;
    std::int64_t index;  // among the part's panels
    std::int64_t begin() const { return part->begin + index * part->step; }  // its first byte
  };
  PanelOfPart locate(std::int64_t panel) const;

  PartOrder order_;
  std::int64_t n_cols_ = 0;
  std::int64_t n_panels_ = 0;
  std::vector<Part> parts_;
  std::int64_t n_bytes_ = 0;
  std::byte* bytes_ = nullptr;
};

}  // namespace tinyllm
