#include "kernels/cpu/packed_matrix.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/layout/tile.h"

namespace tinyllm {
PackedMatrix::PackedMatrix(std::span<const Tensor> parts, PartOrder order, Arena& arena,
                           ThreadPool& pool, bool bf16_pairs)
    : order_(order), n_cols_(parts[0].n_cols()) {
  const bool interleaved = order == PartOrder::interleaved;
  std::int64_t bytes_of_round = 0;  // a panel of each part
  for (const Tensor& part : parts) {
    CHECK(part.n_cols() == n_cols_, "parts have {} and {} columns", n_cols_, part.n_cols());
    CHECK(!interleaved || part.n_rows() == parts[0].n_rows(), "parts have {} and {} rows",
          parts[0].n_rows(), part.n_rows());
    const TileFormat format = tile_format_for(part.dtype, bf16_pairs);
    const std::int64_t n_panels = (part.n_rows() + kTileRows - 1) / kTileRows;
    const std::int64_t step = panel_bytes(format, n_cols_);
    parts_.push_back(
        {format, part.n_rows(), n_panels_, interleaved ? bytes_of_round : n_bytes_, step});
    n_panels_ += n_panels;
    n_bytes_ += n_panels * step;
    bytes_of_round += step;
  }
  if (interleaved) {
    for (Part& part : parts_) part.step = bytes_of_round;
  }
  bytes_ = arena.take(n_bytes_);
  pool.parallel_for(n_panels_, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const PanelOfPart at = locate(p);
      const Tensor& source = parts[at.part - parts_.data()];
      pack_panel(source, at.part->format, at.index * kTileRows, bytes_ + at.begin());
    }
  });
}

RowForms PackedMatrix::reads() const {
  RowForms forms;
  for (const Part& part : parts_) {
    if (part.format == TileFormat::bf16_pairs) {
      forms.bf16 = true;
    } else if (is_float(part.format)) {
      forms.f32 = true;
    } else {
      forms.int8 = true;
    }
  }
  return forms;
}

PackedMatrix::PanelOfPart PackedMatrix::locate(std::int64_t panel) const {
  if (order_ == PartOrder::interleaved) {
    const auto n_parts = static_cast<std::int64_t>(parts_.size());
    return {&parts_[static_cast<std::size_t>(panel % n_parts)], panel / n_parts};
  }
  std::size_t i = parts_.size() - 1;
  while (parts_[i].first_panel > panel) --i;
  return {&parts_[i], panel - parts_[i].first_panel};
}

void PackedMatrix::unpack(std::int64_t row, float* dst) const {
  unpack_row(parts_[0].format, panel(row / kTileRows), row % kTileRows, n_cols_, dst);
}

}  // namespace tinyllm
