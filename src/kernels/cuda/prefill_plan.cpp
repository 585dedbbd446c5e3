#include <algorithm>

#include "kernels/cuda/prefill_attention.h"

namespace tinyllm::cuda {

void plan_prefill(std::span<const AttentionRange> ranges, std::int32_t group_size,
                  std::vector<PrefillTile>& tiles) {
  tiles.clear();
  for (const AttentionRange& range : ranges) {
    const std::int32_t n_rows = range.n_tokens * group_size;
    for (std::int32_t row = 0; row < n_rows; row += kPrefillRows) {
      tiles.push_back({.first_token = range.first_token,
                       .first_position = range.first_position,
                       .block_begin = range.block_begin,
                       .row_begin = row,
                       .n_rows = std::min(kPrefillRows, n_rows - row),
                       .n_positions = range.first_position + range.n_tokens});
    }
  }
  const auto last_position = [&](const PrefillTile& tile) {
    return tile.first_position + (tile.row_begin + tile.n_rows - 1) / group_size;
  };
  std::ranges::stable_sort(tiles, [&](const PrefillTile& a, const PrefillTile& b) {
    return last_position(a) > last_position(b);
  });
}

}  // namespace tinyllm::cuda
