// Which kernel, in which shape.

#include "kernels/cuda/linear.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cuda/linear_formats.h"

namespace tinyllm::cuda {
namespace {

LaunchLinear* launch_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::bf16: return launch_linear_bf16;
    case WeightFormat::int8: return launch_linear_int8;
    case WeightFormat::int8_k: return launch_linear_int8_k;
    case WeightFormat::int8_min: return launch_linear_int8_min;
    case WeightFormat::int4: return launch_linear_int4;
    case WeightFormat::int4_k: return launch_linear_int4_k;
  }
  CHECK(false, "format {}", static_cast<int>(format));
}

// Fills in what the caller left open, by what a sweep on an H200 found best (2026-11-29,
// bench/results). n_tiles: of 16 rows; n_blocks: of columns.
LinearTuning tuned(LinearTuning tuning, const DeviceContext& context, WeightFormat format, int n,
                   int n_tiles, int n_blocks) {
  const int n_sms = context.n_sms();
  if (context.is_deterministic()) {  // these decide in which order the columns are added up
    tuning.k_warps = fixed_k_warps(n_blocks);
    tuning.cluster = 1;
  }
  if (tuning.m_tiles == 0) {
    // 4 bits: what x costs is shared by two tiles, where there is work enough for all warps.
    const bool is_large = n <= 8 && n_tiles * n_blocks >= 228 * n_sms;
    tuning.m_tiles = is_large && block_info(format).bits == 4 ? 2 : 1;
  }
  if (tuning.k_warps == 0) {
    // Two blocks of columns a warp at least; with many rows of x and of the matrix warps do better
    // with rows of their own than adding up their sums.
    tuning.k_warps = n > 8 && n_tiles >= 2 * n_sms ? 4 : 8;
    while (tuning.k_warps > 1 && n_blocks < 2 * tuning.k_warps - 2) tuning.k_warps /= 2;
  }
  if (tuning.m_warps == 0) tuning.m_warps = std::max(1, 8 / tuning.k_warps);
  const int n_groups =
      (n_tiles + tuning.m_warps * tuning.m_tiles - 1) / (tuning.m_warps * tuning.m_tiles);
  if (tuning.blocks_per_sm == 0) {
    // Rows of bf16 are streams of their own: more than these disturb each other.
    const bool has_many = format == WeightFormat::bf16 && n <= 8 && n_groups >= 8 * n_sms;
    tuning.blocks_per_sm = has_many ? 1 : 2;
  }
  if (tuning.cluster == 0) {
    // Fewer rows than multiprocessors: blocks share columns.
    tuning.cluster = 1;
    while (tuning.cluster < 8 && 5 * n_groups * tuning.cluster < 6 * n_sms &&
           n_blocks >= 4 * tuning.k_warps * tuning.cluster)
      tuning.cluster *= 2;
  }
  CHECK(tuning.k_warps * tuning.m_warps <= 8, "{} times {} warps", tuning.k_warps, tuning.m_warps);
  return tuning;
}

}  // namespace

void launch_linear(const DeviceContext& context, const LinearWeights& weights,
                   const LinearInput& input, std::int32_t n, const LinearOutput& output,
                   const LinearTuning& tuning) {
  CHECK(n > 0 && input.stride % 8 == 0, "{} rows of stride {}", n, input.stride);
  CHECK(input.x != nullptr || n <= 8, "{} rows to normalise", n);
  LaunchLinear* const launch_rows = launch_of(weights.format);
  const int columns = block_info(weights.format).columns;
  const int n_blocks = static_cast<int>(padded_to(weights.n_cols, columns)) / columns;
  const bool in_tiles = context.is_deterministic() && context.has_hopper_code() &&
                        weights.format == WeightFormat::bf16 && n >= kMinSlicedRows;
  if (in_tiles) return launch_linear_tiles(context, weights, input, n, output);
  const std::int32_t at_once = max_linear_rows(weights.format);
  for (std::int32_t first = 0; first < n; first += at_once) {
    LinearInput rows = input;
    LinearOutput results = output;
    if (rows.x != nullptr) rows.x += first * input.stride;
    if (results.out != nullptr) results.out += first * output.stride;
    if (results.gated != nullptr) results.gated += first * output.stride;
    const std::int32_t n_rows = std::min(n - first, at_once);
    launch_rows(
        context, weights, rows, n_rows, results,
        tuned(tuning, context, weights.format, n_rows, weights.n_padded_rows / kRowTile, n_blocks));
  }
}

}  // namespace tinyllm::cuda
