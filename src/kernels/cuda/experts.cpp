// Which kernel, over which rows.

#include "kernels/cuda/experts.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cuda/expert_formats.h"
#include "kernels/cuda/linear_formats.h"

namespace tinyllm::cuda {
namespace {

LaunchExperts* launch_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::bf16: return launch_experts_bf16;
    case WeightFormat::int8: return launch_experts_int8;
    case WeightFormat::int8_k: return launch_experts_int8_k;
    case WeightFormat::int8_min: return launch_experts_int8_min;
    case WeightFormat::int4: return launch_experts_int4;
    case WeightFormat::int4_k: return launch_experts_int4_k;
  }
  CHECK(false, "format {}", static_cast<int>(format));
}

ExpertArgs args_of(const ExpertRows& rows, const ExpertRowCount& count) {
  ExpertArgs args;
  args.chunks = rows.chunks;
  args.n_chunks = count.direct ? nullptr : rows.n_chunks;
  args.n_units = count.n_rows;
  return args;
}

// Chunks that there may be: one an expert, and one more for every chunk_rows rows.
int max_chunks(const ExpertLayer& layer, const ExpertRowCount& count) {
  return std::min(count.n_rows, layer.n_experts + count.n_rows / count.chunk_rows);
}

ExpertArgs down_args(const ExpertLayer& layer, ExpertArgs args, const __nv_bfloat16* gated,
                     std::int64_t gated_stride, float* out) {
  CHECK(gated_stride % 8 == 0, "a stride of {}", gated_stride);
  args.is_down = true;
  args.x = gated;
  args.x_stride = static_cast<std::uint32_t>(gated_stride / 8);
  args.n_results = layer.hidden_size;
  args.n_tiles = static_cast<int>(padded_to(layer.hidden_size, kRowTile)) / kRowTile;
  args.out = out;
  args.stride = layer.hidden_size;
  return args;
}

}  // namespace

std::int32_t expert_chunk_rows(const DeviceContext& context, const ExpertLayer& layer,
                               std::int32_t n) {
  const std::int32_t n_rows = n * layer.n_experts_per_token;
  if (n <= 8 || n_rows <= 4 * layer.n_experts) return 8;  // most experts have fewer
  if (n <= 16 || n_rows <= 8 * layer.n_experts) return 16;
  if (context.has_hopper_code()) {
    const bool are_bf16 =
        layer.gate_up_format == WeightFormat::bf16 && layer.down_format == WeightFormat::bf16;
    if (!context.is_deterministic()) return kMaxTileRows;
    if (are_bf16) return kMaxSlicedRows;  // others' codes are scaled after they were added up
  }
  return std::min(max_linear_rows(layer.gate_up_format), max_linear_rows(layer.down_format));
}

void launch_expert_gate_up(const DeviceContext& context, const ExpertLayer& layer,
                           const ExpertRows& rows, const ExpertRowCount& count,
                           const __nv_bfloat16* x, std::int64_t x_stride, __nv_bfloat16* gated,
                           std::int64_t gated_stride) {
  CHECK(x_stride % 8 == 0, "a stride of {}", x_stride);
  ExpertArgs args = args_of(rows, count);
  args.tokens = rows.tokens;
  args.x = x;
  args.x_stride = static_cast<std::uint32_t>(x_stride / 8);
  args.n_results = layer.intermediate_size;
  args.n_tiles = static_cast<int>(padded_to(layer.intermediate_size, 8)) / 8;
  args.output = ExpertOutput::gate;
  args.weights = rows.weights;
  args.gated = gated;
  args.stride = gated_stride;
  launch_of(layer.gate_up_format)(context, args, layer.hidden_size, max_chunks(layer, count),
                                  count.chunk_rows);
}

void launch_expert_down(const DeviceContext& context, const ExpertLayer& layer,
                        const ExpertRows& rows, const ExpertRowCount& count,
                        const __nv_bfloat16* gated, std::int64_t gated_stride, float* out) {
  ExpertArgs args = down_args(layer, args_of(rows, count), gated, gated_stride, out);
  args.output = ExpertOutput::store;
  launch_of(layer.down_format)(context, args, layer.intermediate_size, max_chunks(layer, count),
                               count.chunk_rows);
}

void launch_expert_down_sum(const DeviceContext& context, const ExpertLayer& layer,
                            const ExpertRows& rows, std::int32_t n, const __nv_bfloat16* gated,
                            std::int64_t gated_stride, float* hidden) {
  ExpertArgs args = down_args(layer, args_of(rows, {n, 1, true}), gated, gated_stride, hidden);
  args.output = ExpertOutput::add;
  args.n_slots = layer.n_experts_per_token;
  launch_of(layer.down_format)(context, args, layer.intermediate_size, n, 1);
}

}  // namespace tinyllm::cuda
