// The router: RMSNorm, f32 scores, softmax and the likeliest experts in one kernel.
//
// Bytes moved: the router's f32 rows once a group of tokens (Qwen3-30B-A3B: 1 MB, from L2 where the
// kernel before it left time to prefetch them). A block makes the scores of some experts for
// kTokens tokens; the last of a group of tokens to be done chooses. Every sum has one order, so a
// token's experts do not depend on the batch.

#include "kernels/cuda/experts.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * 32;
constexpr unsigned kAll = 0xffffffffu;

struct RouteArgs {
  ExpertLayer layer;
  RouterInput input;
  int n = 0;         // tokens
  int n_scores = 0;  // of a token
  __nv_bfloat16* normed = nullptr;
  std::int64_t stride = 0;
  ExpertChoices choices;
  ExpertRows rows;
  bool writes_rows = false;
};

__device__ __forceinline__ float sum_of_lanes(float value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    value += __shfl_xor_sync(kAll, value, distance);
  return value;
}

// rows[t] = hidden * norm of tokens first .., factors[t] = 1 / rms(hidden). All threads.
template <int kTokens>
__device__ void stage_tokens(const RouteArgs& args, int first, int n, float* rows, float* factors) {
  __shared__ float squares[kTokens][kWarps];
  const int n_cols = args.layer.hidden_size, tid = static_cast<int>(threadIdx.x);
  for (int t = 0; t < n; ++t) {
    const float* hidden = args.input.hidden + std::int64_t{first + t} * n_cols;
    float sum = 0.0f;
    for (int i = tid * 4; i < n_cols; i += kThreads * 4) {
      const float4 h = *reinterpret_cast<const float4*>(hidden + i);
      const float4 w = *reinterpret_cast<const float4*>(args.input.norm + i);
      sum += h.x * h.x + h.y * h.y + h.z * h.z + h.w * h.w;
      *reinterpret_cast<float4*>(rows + t * n_cols + i) = {h.x * w.x, h.y * w.y, h.z * w.z,
                                                           h.w * w.w};
    }
    sum = sum_of_lanes(sum);
    if (tid % 32 == 0) squares[t][tid / 32] = sum;
  }
  __syncthreads();
  if (tid < n) {
    float sum = 0.0f;
    for (int w = 0; w < kWarps; ++w) sum += squares[tid][w];
    factors[tid] = rsqrtf(sum / static_cast<float>(n_cols) + args.input.norm_eps);
  }
  __syncthreads();
}

__device__ void write_normed(const RouteArgs& args, int first, int n, const float* rows,
                             const float* factors) {
  const int n_cols = args.layer.hidden_size;
  for (int t = 0; t < n; ++t) {
    __nv_bfloat16* out = args.normed + std::int64_t{first + t} * args.stride;
    for (int i = static_cast<int>(threadIdx.x) * 4; i < n_cols; i += kThreads * 4) {
      const float4 x = *reinterpret_cast<const float4*>(rows + t * n_cols + i);
      const float f = factors[t];
      *reinterpret_cast<uint2*>(out + i) = {pack_bf16(x.x * f, x.y * f),
                                            pack_bf16(x.z * f, x.w * f)};
    }
  }
}

// The router's rows of one warp, and what it has of their products.
template <int kTokens, int kExperts>
class Scores {
 public:
  __device__ Scores(const RouteArgs& args)
      : args_(args),
        lane_(static_cast<int>(threadIdx.x) % 32),
        first_((static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32) *
               kExperts) {}

  // Takes the next kAhead times 128 columns of the rows. Weights are nobody's output: the first of
  // them may be on their way before the kernel before this one has ended.
  __device__ __forceinline__ void load() {
    const int n_cols = args_.layer.hidden_size;
#pragma unroll
    for (int e = 0; e < kExperts; ++e) {  // beyond the last: the last once more
      const float* row =
          args_.layer.router + std::int64_t{min(first_ + e, args_.n_scores - 1)} * n_cols;
#pragma unroll
      for (int a = 0; a < kAhead; ++a) {
        const int i = column_ + a * 128 + lane_ * 4;
        weights_[e][a] = i < n_cols ? *reinterpret_cast<const float4*>(row + i) : float4{};
      }
    }
  }
  // The rows were loaded once. x: [kTokens, n_cols] in shared memory.
  __device__ __forceinline__ void multiply(const float* x) {
    const int n_cols = args_.layer.hidden_size;
    while (true) {
#pragma unroll
      for (int a = 0; a < kAhead; ++a) {
        const int i = column_ + a * 128 + lane_ * 4;
        if (i >= n_cols) break;
#pragma unroll
        for (int t = 0; t < kTokens; ++t) {
          const float4 v = *reinterpret_cast<const float4*>(x + t * n_cols + i);
#pragma unroll
          for (int e = 0; e < kExperts; ++e) {
            const float4& w = weights_[e][a];
            sums_[e][t] += w.x * v.x + w.y * v.y + w.z * v.z + w.w * v.w;
          }
        }
      }
      column_ += kAhead * 128;
      if (column_ >= n_cols) return;
      load();
    }
  }
  __device__ __forceinline__ void write(int first_token, int n, const float* factors) {
#pragma unroll
    for (int e = 0; e < kExperts; ++e) {
#pragma unroll
      for (int t = 0; t < kTokens; ++t) {
        const float sum = sum_of_lanes(sums_[e][t]);
        if (lane_ == 0 && t < n && first_ + e < args_.n_scores)
          args_.choices.scores[std::int64_t{first_token + t} * args_.n_scores + first_ + e] =
              sum * factors[t];
      }
    }
  }

 private:
  static constexpr int kAhead = kTokens == 1 ? 16 : 4;
  const RouteArgs& args_;
  int lane_, first_;  // of the warp's experts
  int column_ = 0;
  float4 weights_[kExperts][kAhead];
  float sums_[kExperts][kTokens] = {};
};

// A token's experts from its scores. One warp; lane l has experts l, l + 32, .., kOwn of them.
template <int kOwn>
__device__ __forceinline__ void choose(const RouteArgs& args, int token) {
  const ExpertLayer& layer = args.layer;
  const int lane = static_cast<int>(threadIdx.x) % 32, k = layer.n_experts_per_token;
  const float* scores = args.choices.scores + std::int64_t{token} * args.n_scores;
  float probs[kOwn];
  float most = -INFINITY;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const int e = i * 32 + lane;
    probs[i] = e < layer.n_experts ? __ldcg(scores + e) : -INFINITY;
    most = fmaxf(most, probs[i]);
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    most = fmaxf(most, __shfl_xor_sync(kAll, most, distance));
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const bool is_there = i * 32 + lane < layer.n_experts;
    probs[i] = is_there ? expf(probs[i] - most) : 0.0f;
    sum += probs[i];
  }
  sum = sum_of_lanes(sum);
  // Probabilities are not negative: their bits, as integers, have their order. What is not a number
  // counts as zero, so that there are always enough to choose.
  int keys[kOwn];
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const float p = probs[i] / sum;
    keys[i] = i * 32 + lane >= layer.n_experts ? -1 : p >= 0.0f ? __float_as_int(p) : 0;
  }
  const bool is_padding = args.input.slot_mapping != nullptr && args.input.slot_mapping[token] < 0;
  float chosen_sum = 0.0f, my_weight = 0.0f, my_second_weight = 0.0f;
  int my_expert = 0, my_second_expert = 0;
  for (int s = 0; s < k; ++s) {
    int key = -1, expert = kMaxExperts;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      if (keys[i] > key) {
        key = keys[i];
        expert = i * 32 + lane;
      }
    }
    const int best = __reduce_max_sync(kAll, key);
    expert = __reduce_min_sync(kAll, key == best ? expert : kMaxExperts);
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      if (i * 32 + lane == expert) keys[i] = -1;
    }
    const float weight = __int_as_float(best);
    chosen_sum += weight;
    if (s == lane) {
      my_expert = expert;
      my_weight = weight;
    } else if (s == lane + 32) {
      my_second_expert = expert;
      my_second_weight = weight;
    }
  }
  const float factor = layer.norm_weights ? 1.0f / chosen_sum : 1.0f;
  for (int s = lane; s < k; s += 32) {
    const int at = token * k + s;
    const int expert = s < 32 ? my_expert : my_second_expert;
    const float weight = (s < 32 ? my_weight : my_second_weight) * factor;
    args.choices.experts[at] = is_padding ? -1 : expert;
    args.choices.weights[at] = weight;
    if (args.writes_rows) {
      args.rows.chunks[at] = {layer.table[expert], at, 1};
      args.rows.tokens[at] = token;
      args.rows.weights[at] = weight;
      args.rows.of_choices[at] = at;
    }
  }
  if (layer.has_shared && lane == 0)
    args.choices.shared_weights[token] = 1.0f / (1.0f + expf(-__ldcg(scores + layer.n_experts)));
}

template <int kTokens, int kExperts, int kOwn>
__global__ void __launch_bounds__(kThreads) route_kernel(const RouteArgs args) {
  extern __shared__ float rows[];  // [kTokens, hidden_size]
  __shared__ float factors[kTokens];
  __shared__ bool is_last;
  let_next_kernel_start();
  Scores<kTokens, kExperts> scores(args);
  scores.load();
  wait_for_previous_kernel();
  const int first = static_cast<int>(blockIdx.y) * kTokens, n = min(kTokens, args.n - first);
  stage_tokens<kTokens>(args, first, n, rows, factors);
  if (blockIdx.x == 0) write_normed(args, first, n, rows, factors);
  scores.multiply(rows);
  scores.write(first, n, factors);
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    const unsigned n_before =
        atomicInc(reinterpret_cast<unsigned*>(args.choices.arrivals + blockIdx.y), gridDim.x - 1);
    is_last = n_before == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (!is_last) return;
  for (int t = static_cast<int>(threadIdx.x) / 32; t < n; t += kWarps)
    choose<kOwn>(args, first + t);
}

template <int kTokens, int kExperts, int kOwn>
void launch_tokens(const DeviceContext& context, const RouteArgs& args) {
  LaunchShape shape;
  const int n_warps = (args.n_scores + kExperts - 1) / kExperts;
  shape.grid = dim3(static_cast<unsigned>((n_warps + kWarps - 1) / kWarps),
                    static_cast<unsigned>((args.n + kTokens - 1) / kTokens));
  shape.block = dim3(kThreads);
  shape.shared_bytes = static_cast<std::size_t>(kTokens) *
                       static_cast<std::size_t>(args.layer.hidden_size) * sizeof(float);
  launch(context, "route", route_kernel<kTokens, kExperts, kOwn>, shape, args);
}

}  // namespace

void launch_route(const DeviceContext& context, const ExpertLayer& layer, const RouterInput& input,
                  std::int32_t n, __nv_bfloat16* normed, std::int64_t stride,
                  const ExpertChoices& choices, const ExpertRows* rows) {
  RouteArgs args;
  args.layer = layer;
  args.input = input;
  args.n = n;
  args.n_scores = layer.n_experts + (layer.has_shared ? 1 : 0);
  args.normed = normed;
  args.stride = stride;
  args.choices = choices;
  args.writes_rows = rows != nullptr;
  if (rows != nullptr) args.rows = *rows;
  const bool has_room = 8 * layer.hidden_size * 4 + 1024 <= context.max_shared_bytes();
  const bool has_few = layer.n_experts <= 128;
  if (n > 16 && has_room)
    return has_few ? launch_tokens<8, 2, 4>(context, args) : launch_tokens<8, 2, 16>(context, args);
  has_few ? launch_tokens<1, 1, 4>(context, args) : launch_tokens<1, 1, 16>(context, args);
}

}  // namespace tinyllm::cuda
