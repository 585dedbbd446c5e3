#include "kernels/cpu/residual_blocks.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tinyllm {

ResidualBlocks::ResidualBlocks(std::int64_t max_blocks, std::int64_t max_rows,
                               std::int64_t max_cols)
    : first_(max_blocks * (max_cols / 32 + 1) * 4, "activations"),
      groups_(max_rows * (max_cols / 32) * static_cast<std::int64_t>(sizeof(ResidualGroup)),
              "activations"),
      blocks_(max_blocks),
      max_tiles_(max_cols / 32) {}

void ResidualBlocks::collect(std::int64_t block, std::int64_t first_row, const QuantisedRow* rows,
                             std::int64_t n_rows, std::int64_t n_cols) {
  const std::int64_t n_tiles = n_cols / 32;
  const auto for_each_split = [&](auto&& each) {
    for (std::int64_t t = 0; t < n_rows; ++t) {
      for (std::int64_t byte = 0; byte < (n_tiles + 7) / 8; ++byte) {
        for (unsigned bits = rows[t].split[byte]; bits != 0; bits &= bits - 1)
          each(t, 8 * byte + std::countr_zero(bits));
      }
    }
  };
  // first[tile + 1] counts the tile's groups; then it is where the next of them goes; and so, in
  // the end, where the next tile's begin.
  std::int32_t* first = first_.as<std::int32_t>().data() + block * (max_tiles_ + 1);
  std::fill_n(first, n_tiles + 1, 0);
  for_each_split([&](std::int64_t, std::int64_t tile) { ++first[tile + 1]; });
  std::int32_t n_before = 0;
  for (std::int64_t tile = 0; tile < n_tiles; ++tile)
    n_before += std::exchange(first[tile + 1], n_before);
  ResidualGroup* groups = groups_.as<ResidualGroup>().data() + first_row * max_tiles_;
  blocks_[block] = {first, groups};
  for_each_split([&](std::int64_t t, std::int64_t tile) {
    const QuantPlane& plane = rows[t].residual;
    ResidualGroup& group = groups[first[tile + 1]++];
    std::copy_n(plane.q + 32 * tile, 32, group.q);
    group.scale = plane.scale[tile];
    std::copy_n(plane.sum + 2 * tile, 2, group.sum);
    group.token = static_cast<std::int32_t>(t);
  });
}

}  // namespace tinyllm
