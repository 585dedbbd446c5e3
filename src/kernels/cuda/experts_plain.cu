// The plain twins of launch_expert_gate_up and _down: element by element.

#include "base/check.h"
#include "kernels/cuda/experts.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/weight_value.cuh"

namespace tinyllm::cuda {
namespace {

struct NaiveArgs {
  ExpertLayer layer;
  ExpertRows rows;
  bool direct = false;
  int n_rows = 0;
  const __nv_bfloat16* x = nullptr;
  std::int64_t x_stride = 0;
  __nv_bfloat16* gated = nullptr;
  std::int64_t gated_stride = 0;
  float* out = nullptr;
};

__device__ float dot(WeightFormat format, const std::byte* matrix, const __nv_bfloat16* x,
                     std::int64_t row, int n_cols) {
  float sum = 0.0f;
  for (int k = 0; k < n_cols; ++k)
    sum += weight_value(format, matrix, row, k, n_cols) * __bfloat162float(x[k]);
  return sum;
}

// The chunk of a row, or null where there is none.
__device__ const ExpertChunk* chunk_of(const NaiveArgs& args, int row) {
  const int n_chunks = args.direct ? args.n_rows : *args.rows.n_chunks;
  for (int i = 0; i < n_chunks; ++i) {
    const ExpertChunk& chunk = args.rows.chunks[i];
    if (row >= chunk.first_row && row < chunk.first_row + chunk.n_rows) return &chunk;
  }
  return nullptr;
}

__global__ void naive_gate_up_kernel(NaiveArgs args) {
  wait_for_previous_kernel();
  let_next_kernel_start();
  const ExpertLayer& layer = args.layer;
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = i / layer.intermediate_size, column = i % layer.intermediate_size;
  const ExpertChunk* chunk = row < args.n_rows ? chunk_of(args, row) : nullptr;
  if (chunk == nullptr) return;
  const __nv_bfloat16* x = args.x + args.rows.tokens[row] * args.x_stride;
  const auto product = [&](int part) {
    return dot(layer.gate_up_format, chunk->weights.gate_up, x, interleaved_row(column, part),
               layer.hidden_size);
  };
  const float gate = product(0);
  args.gated[row * args.gated_stride + column] =
      __float2bfloat16(args.rows.weights[row] * gate / (1.0f + expf(-gate)) * product(1));
}

__global__ void naive_down_kernel(NaiveArgs args) {
  wait_for_previous_kernel();
  let_next_kernel_start();
  const ExpertLayer& layer = args.layer;
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = i / layer.hidden_size, column = i % layer.hidden_size;
  const ExpertChunk* chunk = row < args.n_rows ? chunk_of(args, row) : nullptr;
  if (chunk == nullptr) return;
  args.out[std::int64_t{row} * layer.hidden_size + column] =
      dot(layer.down_format, chunk->weights.down, args.x + row * args.x_stride, column,
          layer.intermediate_size);
}

dim3 blocks_for(int n_rows, int n_columns) {
  return dim3((static_cast<unsigned>(n_rows) * static_cast<unsigned>(n_columns) + 127) / 128);
}

}  // namespace

void launch_naive_expert_gate_up(const DeviceContext& context, const ExpertLayer& layer,
                                 const ExpertRows& rows, const ExpertRowCount& count,
                                 const __nv_bfloat16* x, std::int64_t x_stride,
                                 __nv_bfloat16* gated, std::int64_t gated_stride) {
  const NaiveArgs args{layer,    rows,  count.direct, count.n_rows, x,
                       x_stride, gated, gated_stride, nullptr};
  launch(context, "naive experts", naive_gate_up_kernel,
         {blocks_for(count.n_rows, layer.intermediate_size), dim3(128)}, args);
}

void launch_naive_expert_down(const DeviceContext& context, const ExpertLayer& layer,
                              const ExpertRows& rows, const ExpertRowCount& count,
                              const __nv_bfloat16* gated, std::int64_t gated_stride, float* out) {
  const NaiveArgs args{layer,   rows, count.direct, count.n_rows, gated, gated_stride,
                       nullptr, 0,    out};
  launch(context, "naive experts", naive_down_kernel,
         {blocks_for(count.n_rows, layer.hidden_size), dim3(128)}, args);
}

}  // namespace tinyllm::cuda
