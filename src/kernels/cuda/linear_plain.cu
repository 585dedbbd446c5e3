// The plain twin of launch_linear: element by element.

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/weight_value.cuh"

namespace tinyllm::cuda {
namespace {

__device__ float dot(const LinearWeights& weights, const __nv_bfloat16* x, std::int64_t row) {
  float sum = 0.0f;
  for (int k = 0; k < weights.n_cols; ++k)
    sum +=
        weight_value(weights.format, weights.data, row, k, weights.n_cols) * __bfloat162float(x[k]);
  return sum;
}

__global__ void naive_linear_kernel(LinearWeights weights, LinearInput input, LinearOutput output,
                                    int n) {
  wait_for_previous_kernel();
  let_next_kernel_start();
  const bool gate = output.epilogue == LinearEpilogue::gate;
  const int n_results = gate ? weights.n_rows / 2 : weights.n_rows;
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int b = i / n_results, column = i % n_results;
  if (b >= n) return;
  const __nv_bfloat16* x = input.x + b * input.stride;
  const float bias = output.bias == nullptr ? 0.0f : output.bias[column];
  if (gate) {
    const float gate_sum = dot(weights, x, interleaved_row(column, 0)) + bias;
    const float up_bias = output.bias == nullptr ? 0.0f : output.bias[n_results + column];
    const float up = dot(weights, x, interleaved_row(column, 1)) + up_bias;
    output.gated[b * output.stride + column] =
        __float2bfloat16(gate_sum / (1.0f + expf(-gate_sum)) * up);
    return;
  }
  float* at = output.out + b * output.stride + column;
  const float y = dot(weights, x, column) + bias;
  *at = output.epilogue == LinearEpilogue::add ? *at + y : y;
}

}  // namespace

void launch_naive_linear(const DeviceContext& context, const LinearWeights& weights,
                         const LinearInput& input, std::int32_t n, const LinearOutput& output) {
  const int n_results =
      output.epilogue == LinearEpilogue::gate ? weights.n_rows / 2 : weights.n_rows;
  const unsigned n_threads = static_cast<unsigned>(n_results) * static_cast<unsigned>(n);
  launch(context, "naive linear", naive_linear_kernel, {dim3((n_threads + 127) / 128), dim3(128)},
         weights, input, output, n);
}

}  // namespace tinyllm::cuda
