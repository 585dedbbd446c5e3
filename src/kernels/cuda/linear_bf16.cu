// launch_linear for bf16 weights.

#include "kernels/cuda/linear_formats.h"
#include "kernels/cuda/linear_kernel.cuh"
#include "kernels/cuda/tile_product.cuh"

namespace tinyllm::cuda {

void launch_linear_bf16(const DeviceContext& context, const LinearWeights& weights,
                        const LinearInput& input, std::int32_t n, const LinearOutput& output,
                        const LinearTuning& tuning) {
  launch_format<Bf16Blocks>(context, weights, input, n, output, tuning);
}

void launch_linear_tiles(const DeviceContext& context, const LinearWeights& weights,
                         const LinearInput& input, std::int32_t n, const LinearOutput& output) {
  const bool gate = output.epilogue == LinearEpilogue::gate;
  TileArgs args;
  args.matrix = weights.data;
  args.n = n;
  args.chunk_rows = kMaxSlicedRows;
  args.x = input.x;
  args.x_stride = static_cast<std::uint32_t>(input.stride / 8);
  args.n_results = gate ? weights.n_rows / 2 : weights.n_rows;
  args.n_tiles = weights.n_padded_rows / kRowTile;
  args.n_blocks =
      static_cast<int>(padded_to(weights.n_cols, Bf16Blocks::kColumns)) / Bf16Blocks::kColumns;
  args.n_slices = fixed_k_warps(args.n_blocks);
  args.output = gate                                     ? TileOutput::gate
                : output.epilogue == LinearEpilogue::add ? TileOutput::add
                                                         : TileOutput::store;
  args.bias = output.bias;
  args.gated = output.gated;
  args.out = output.out;
  args.stride = output.stride;
  launch_tiles<Bf16Blocks, true>(context, args, (n + kMaxSlicedRows - 1) / kMaxSlicedRows);
}

}  // namespace tinyllm::cuda
