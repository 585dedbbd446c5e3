// Choices sorted by expert, as a step needs it: count, prefix sum, stable scatter, by one block.
//
// A warp has a range of choices of its own. It counts them by expert; a prefix sum over the warps,
// and over the experts, tells where its first choice of each expert goes; then it walks through them
// once more, 32 at a time, in their order. Bytes moved: 8 a choice, twice; 16 written. Floor: the
// start of a kernel.

#include "base/check.h"
#include "kernels/cuda/experts.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / 32;
constexpr unsigned kAll = 0xffffffffu;

struct SortArgs {
  const ExpertWeights* table = nullptr;
  int n_experts = 0, n_experts_per_token = 0;
  int n_choices = 0;
  int chunk_rows = 0;
  ExpertChoices choices;
  ExpertRows rows;
};

// An exclusive prefix sum over the threads; total: the sum of all. All threads.
__device__ int sum_before(int value, int& total) {
  __shared__ int sums[kWarps];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  int sum = value;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const int before = __shfl_up_sync(kAll, sum, distance);
    if (lane >= distance) sum += before;
  }
  if (lane == 31) sums[warp] = sum;
  __syncthreads();
  int before = 0;
  total = 0;
  for (int w = 0; w < kWarps; ++w) {
    if (w < warp) before += sums[w];
    total += sums[w];
  }
  __syncthreads();
  return before + sum - value;
}

__global__ void __launch_bounds__(kThreads) sort_choices_kernel(const SortArgs args) {
  extern __shared__ int counts[];  // [kWarps, n_experts]
  let_next_kernel_start();
  const int tid = static_cast<int>(threadIdx.x), lane = tid % 32, warp = tid / 32;
  const int n_experts = args.n_experts;
  for (int i = tid; i < kWarps * n_experts; i += kThreads) counts[i] = 0;
  __syncthreads();
  wait_for_previous_kernel();
  const int a_warp = (args.n_choices + kThreads - 1) / kThreads * 32;
  const int begin = warp * a_warp, end = min(begin + a_warp, args.n_choices);
  int* mine = counts + warp * n_experts;
  const auto expert_of = [&](int i) { return i < end ? args.choices.experts[i] : -1; };

  for (int i = begin; i < end; i += 32) {
    const int expert = expert_of(i + lane);
    const unsigned same = __match_any_sync(kAll, expert);
    if (expert >= 0 && __ffs(static_cast<int>(same)) - 1 == lane) mine[expert] += __popc(same);
    __syncwarp();
  }
  __syncthreads();

  int n_rows = 0;  // of expert tid
  if (tid < n_experts) {
    for (int w = 0; w < kWarps; ++w) {
      const int count = counts[w * n_experts + tid];
      counts[w * n_experts + tid] = n_rows;
      n_rows += count;
    }
  }
  int total_rows = 0, total_chunks = 0;
  const int first_row = sum_before(n_rows, total_rows);
  const int n_chunks = (n_rows + args.chunk_rows - 1) / args.chunk_rows;
  const int first_chunk = sum_before(n_chunks, total_chunks);
  if (tid < n_experts) {
    for (int w = 0; w < kWarps; ++w) counts[w * n_experts + tid] += first_row;
    for (int c = 0; c < n_chunks; ++c)
      args.rows.chunks[first_chunk + c] = {args.table[tid], first_row + c * args.chunk_rows,
                                           min(args.chunk_rows, n_rows - c * args.chunk_rows)};
  }
  if (tid == 0) *args.rows.n_chunks = total_chunks;
  __syncthreads();

  for (int i = begin; i < end; i += 32) {
    const int at = i + lane, expert = expert_of(at);
    const unsigned same = __match_any_sync(kAll, expert);
    if (expert >= 0) {
      const int row = mine[expert] + __popc(same & ((1u << lane) - 1));
      args.rows.tokens[row] = at / args.n_experts_per_token;
      args.rows.weights[row] = args.choices.weights[at];
      args.rows.of_choices[at] = row;
    } else if (at < end) {
      args.rows.of_choices[at] = -1;
    }
    __syncwarp();
    if (expert >= 0 && __ffs(static_cast<int>(same)) - 1 == lane) mine[expert] += __popc(same);
    __syncwarp();
  }
}

}  // namespace

void launch_sort_choices(const DeviceContext& context, const ExpertLayer& layer, std::int32_t n,
                         std::int32_t chunk_rows, const ExpertChoices& choices,
                         const ExpertRows& rows) {
  CHECK(layer.n_experts <= kMaxExperts, "{} experts", layer.n_experts);
  SortArgs args;
  args.table = layer.table;
  args.n_experts = layer.n_experts;
  args.n_experts_per_token = layer.n_experts_per_token;
  args.n_choices = n * layer.n_experts_per_token;
  args.chunk_rows = chunk_rows;
  args.choices = choices;
  args.rows = rows;
  LaunchShape shape{dim3(1), dim3(kThreads)};
  shape.shared_bytes = static_cast<std::size_t>(kWarps * layer.n_experts) * sizeof(int);
  launch(context, "sort choices", sort_choices_kernel, shape, args);
}

}  // namespace tinyllm::cuda
