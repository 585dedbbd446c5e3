// The one-row kernel: every layer of a step of one token in one launch.
//
// Bytes moved: all layers' weights once (7B: bf16 13.0 GB, 4-bit k-quants 3.9 GB), keys and values
// once. Floor: those bytes at the memory's read rate (H200, 4.62 TB/s: 2.82 and 0.84 ms).
//
//   qkv | attention | o | gate and up | down     | a barrier of all blocks
//        \_ last block of a K/V head merges
//
//   - A block on every multiprocessor. Each warp has a ring of slots in shared memory and brings its
//     own weights there (one_row_stream.cuh), beyond barriers too: 132 x 180 KB wait on the chip when
//     a barrier opens, which is 5 us of reading. No launch, and no start of a stream, is waited for.
//   - A tile of 16 rows, or with few tiles a half or a quarter of its columns, is a unit; units go
//     round over the blocks, from product to product. Sums of parts are added up by who reads them.
//   - Every block normalises the hidden states for itself: 2 us that no second barrier costs.
//
// One row only: its 8 columns in the tensor cores are groups of weights (one_row_pieces.cuh).
//
// Measured on an H200 (2026-12-01, read-only 4540 GB/s in the same run), layers of a token at position
// 200, share of that: 7B bf16 3.89 ms, 72 %; 7B int4_k 2.05 ms, 41 %; 0.5B bf16 0.72 ms, 21 %. Where a
// layer of 7B int4_k spends its 70 us: products 39, what follows them until the barrier 6, barriers 6,
// rows of x 7, attention 12.

#include "kernels/cuda/one_row_step.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cuda/one_row_attention.cuh"
#include "kernels/cuda/one_row_stream.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kXPadding = 256;  // columns that x is padded to

struct OneRowShared {
  OneRowWork works[kMaxOneRowWarps][kNumOneRowProducts];
  float squares[kMaxOneRowWarps];
  int first_units[kMaxOneRowWarps], n_units[kMaxOneRowWarps];
  float partials[kMaxOneRowWarps][kMaxOneRowUnits][kRowTile];
  std::int32_t kv_groups[kMaxOneRowKvGroups];
};

// Where a block's parts of shared memory are.
struct OneRowBlock {
  OneRowShared* shared;
  std::byte* x;  // or the scratch of attention
  float* x_sums;
  int tid, lane, warp, n_threads;
};

// Four columns of x, and with the neighbours the sum over 32. Whole warps call it.
__device__ __forceinline__ void stage_columns(const OneRowBlock& block, int i,
                                              const uint2& packed) {
  *reinterpret_cast<uint2*>(block.x + i * 2) = packed;
  float sum = low_bf16(packed.x) + high_bf16(packed.x) + low_bf16(packed.y) + high_bf16(packed.y);
#pragma unroll
  for (int distance = 1; distance < 8; distance *= 2) sum += __shfl_xor_sync(~0u, sum, distance);
  if (block.lane % 8 == 0) block.x_sums[i / 32] = sum;
}

__device__ __forceinline__ int padded_columns(int n_cols) {
  return (n_cols + kXPadding - 1) / kXPadding * kXPadding;
}

__device__ __forceinline__ float4 add(const float4& a, const float4& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w};
}

// hidden plus the n_parts sums of a product, which this returns as x times norm; 1 / rms follows at
// the end of the next product (factor()). `next` gets the sum: hidden, which others still read, stays.
__device__ inline void stage_normed(const OneRowArgs& args, const OneRowBlock& block,
                                    const float* hidden, const float* parts, int n_parts,
                                    const float* norm, float* next) {
  const int n_cols = args.shape.hidden_size;
  constexpr int kAhead = 2;  // 4 columns each, all under way at once
  float squares = 0.0f;
  const int padded = padded_columns(n_cols), step = block.n_threads * 4;
  for (int first = block.tid * 4; first < padded; first += kAhead * step) {
    float4 h[kAhead], w[kAhead], part[kAhead][kMaxOneRowSplits];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const int i = first + k * step;
      const bool is_there = i < n_cols;
      h[k] = is_there ? __ldcg(reinterpret_cast<const float4*>(hidden + i)) : float4{};
      w[k] = is_there ? *reinterpret_cast<const float4*>(norm + i) : float4{};
#pragma unroll
      for (int p = 0; p < kMaxOneRowSplits; ++p)
        part[k][p] = is_there && p < n_parts
                         ? __ldcg(reinterpret_cast<const float4*>(parts + p * n_cols + i))
                         : float4{};
    }
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const int i = first + k * step;
      if (i >= padded) break;
#pragma unroll
      for (int p = 0; p < kMaxOneRowSplits; ++p) h[k] = add(h[k], part[k][p]);
      squares += h[k].x * h[k].x + h[k].y * h[k].y + h[k].z * h[k].z + h[k].w * h[k].w;
      if (i < n_cols && i / 128 % static_cast<int>(gridDim.x) == static_cast<int>(blockIdx.x))
        *reinterpret_cast<float4*>(next + i) = h[k];
      const float4 x = {h[k].x * w[k].x, h[k].y * w[k].y, h[k].z * w[k].z, h[k].w * w[k].w};
      stage_columns(block, i, {pack_bf16(x.x, x.y), pack_bf16(x.z, x.w)});
    }
  }
  squares = sum_of_warp(squares);
  if (block.lane == 0) block.shared->squares[block.warp] = squares;
  __syncthreads();
}

__device__ inline float factor(const OneRowArgs& args, const OneRowBlock& block) {
  float sum = 0.0f;
#pragma unroll
  for (int w = 0; w < kMaxOneRowWarps; ++w)
    sum += w < args.plan.n_warps ? block.shared->squares[w] : 0.0f;
  return rsqrtf(sum / static_cast<float>(args.shape.hidden_size) + args.shape.norm_eps);
}

__device__ inline void stage_plain(const OneRowBlock& block, const __nv_bfloat16* x, int n_cols) {
  constexpr int kAhead = 7;
  const int padded = padded_columns(n_cols), step = block.n_threads * 4;
  for (int first = block.tid * 4; first < padded; first += kAhead * step) {
    uint2 values[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const int i = first + k * step;
      values[k] = i < n_cols ? __ldcg(reinterpret_cast<const uint2*>(x + i)) : uint2{0, 0};
    }
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      if (first + k * step < padded) stage_columns(block, first + k * step, values[k]);
    }
  }
  __syncthreads();
}

// A warp's run of pieces; its sums go to the block's shared memory.
template <WeightFormat kFormat>
__device__ __forceinline__ void multiply_run(const OneRowBlock& block, const OneRowWork& work,
                                             OneRowStream<kFormat>& stream) {
  const OneRowX x{block.x, block.x_sums};
  PiecePlace place;
  place.enter(work);
  const int first = place.unit;
#pragma unroll 1
  while (place.at < work.end) {
    RowSums sums;
    const int unit = place.unit;
#pragma unroll 1
    while (place.at < work.end && place.unit == unit) {
      stream.fill();
      const int piece = place.piece(work);
      if (piece < work.n_pieces) {
        PieceOf<kFormat>::multiply(sums, stream.wait(), x, piece, block.lane);
        stream.release();
      }
      place.next(work);
    }
#pragma unroll
    for (int distance = 1; distance < 4; distance *= 2) {
      sums.low += __shfl_xor_sync(~0u, sums.low, distance);
      sums.high += __shfl_xor_sync(~0u, sums.high, distance);
    }
    if (block.lane % 4 == 0) {
      float* to = block.shared->partials[block.warp][unit - first];
      to[block.lane / 4] = sums.low;
      to[block.lane / 4 + 8] = sums.high;
    }
  }
  if (block.lane == 0) {
    block.shared->first_units[block.warp] = first;
    block.shared->n_units[block.warp] =
        work.begin < work.end ? (work.end - 1) / work.per_unit + 1 - first : 0;
  }
}

// Row `row` of the block's unit `unit`: the sum over its warps, in their order.
__device__ __forceinline__ float unit_sum(const OneRowArgs& args, const OneRowBlock& block,
                                          int unit, int row) {
  float sum = 0.0f;
#pragma unroll
  for (int w = 0; w < kMaxOneRowWarps; ++w) {
    const int local = unit - block.shared->first_units[w];
    const bool has_part = w < args.plan.n_warps && local >= 0 && local < block.shared->n_units[w];
    sum += has_part ? block.shared->partials[w][local][row] : 0.0f;
  }
  return sum;
}

// Calls finish(unit of the product, unit of the block, row of 16) for all rows of this block.
template <typename Finish>
__device__ __forceinline__ void for_each_row(const OneRowBlock& block, const OneRowWork& work,
                                             const Finish& finish) {
#pragma unroll 1
  for (int i = block.tid; i < work.n_units * kRowTile; i += block.n_threads) {
    const int unit = i / kRowTile;
    finish(work.first_unit + unit * static_cast<int>(gridDim.x), unit, i % kRowTile);
  }
}

// parts[split][row] = sum times scale, bias in the first.
__device__ __forceinline__ void finish_parts(const OneRowArgs& args, const OneRowBlock& block,
                                             const OneRowWork& work, float scale, const float* bias,
                                             float* parts, int n_rows) {
  for_each_row(block, work, [&](int unit_idx, int unit, int row) {
    const int split = unit_idx & ((1 << work.split_shift) - 1);
    const int at = (unit_idx >> work.split_shift) * kRowTile + row;
    if (at >= n_rows) return;
    float value = unit_sum(args, block, unit, row) * scale;
    if (bias != nullptr && split == 0) value += bias[at];
    parts[split * n_rows + at] = value;
  });
}

// gated = silu(gate) up. A tile holds 8 rows of each.
__device__ __forceinline__ void finish_gated(const OneRowArgs& args, const OneRowBlock& block,
                                             const OneRowWork& work, float scale,
                                             const float* bias) {
  const int n = args.shape.intermediate_size;
  for_each_row(block, work, [&](int unit_idx, int unit, int row) {
    const int column = unit_idx * 8 + row;
    if (row >= 8 || column >= n) return;
    float gate = unit_sum(args, block, unit, row) * scale;
    float up = unit_sum(args, block, unit, row + 8) * scale;
    if (bias != nullptr) {
      gate += bias[column];
      up += bias[n + column];
    }
    args.buffers.gated[column] = __float2bfloat16(gate / (1.0f + __expf(-gate)) * up);
  });
}

// Keys and values of the block's positions come to L2 while qkv is multiplied.
__device__ inline void prefetch_kv(const OneRowArgs& args, const OneRowLayer& layer,
                                   const OneRowRange& range, const std::int32_t* groups, int tid,
                                   int n_threads) {
  if (!range.is_used) return;
  const int group_elems = kv_group_elems(args.shape.head_dim), n_lines = group_elems / 64;
  const int n = (range.end - range.first + kKvGroup - 1) / kKvGroup * n_lines;
  for (int i = tid; i < n; i += n_threads)
    prefetch_to_l2(layer.pages + std::int64_t{groups[i / n_lines]} * group_elems +
                   i % n_lines * 64);
}

// What the blocks will read after the next barriers comes to L2 meanwhile.
__device__ inline void prefetch_vectors(const OneRowArgs& args, const OneRowLayer* layers, int l,
                                        int tid) {
  const int n_lines = (args.shape.hidden_size * 4 + 127) / 128;
  const int n_qkv = (args.shape.n_heads + 2 * args.shape.n_kv_heads) * args.shape.head_dim;
  if (blockIdx.x == 0 && tid < n_lines) prefetch_to_l2(layers[l].post_norm + tid * 32);
  if (l + 1 == args.shape.n_layers) return;
  if (blockIdx.x == 1 && tid < n_lines) prefetch_to_l2(layers[l + 1].input_norm + tid * 32);
  if (blockIdx.x == 2 && layers[l + 1].qkv_bias != nullptr && tid * 32 < n_qkv)
    prefetch_to_l2(layers[l + 1].qkv_bias + tid * 32);
}

template <int kDim, WeightFormat kFormat>
__global__ void __launch_bounds__(kMaxOneRowWarps * 32, 1) one_row_kernel(const OneRowArgs args) {
  extern __shared__ __align__(128) unsigned char raw[];
  const OneRowShape& s = args.shape;
  const OneRowPlan& plan = args.plan;
  OneRowBlock block;
  block.tid = static_cast<int>(threadIdx.x);
  block.lane = block.tid % 32;
  block.warp = block.tid / 32;
  block.n_threads = static_cast<int>(blockDim.x);
  const int ring_bytes = plan.n_warps * plan.n_stages * plan.slot_bytes;
  auto* slots = reinterpret_cast<std::byte*>(raw);
  block.x = slots + ring_bytes;
  block.x_sums = reinterpret_cast<float*>(block.x + plan.x_bytes);
  auto* barriers = reinterpret_cast<std::uint64_t*>(block.x_sums + plan.x_bytes / 64);
  auto* layers = reinterpret_cast<OneRowLayer*>(barriers + plan.n_warps * plan.n_stages);
  block.shared = reinterpret_cast<OneRowShared*>(layers + s.n_layers);

  // A tail of columns multiplies what stands in its slot beyond the copy with zeros: it is finite.
  for (int i = block.tid; i < ring_bytes / 16; i += block.n_threads)
    reinterpret_cast<uint4*>(slots)[i] = uint4{0, 0, 0, 0};
  const int n_words = s.n_layers * static_cast<int>(sizeof(OneRowLayer) / 8);
  for (int i = block.tid; i < n_words; i += block.n_threads)
    reinterpret_cast<std::uint64_t*>(layers)[i] =
        reinterpret_cast<const std::uint64_t*>(args.buffers.layers)[i];
  if (block.lane < kNumOneRowProducts)
    block.shared->works[block.warp][block.lane] =
        one_row_work(args, kFormat, block.lane, block.warp);
  order_before_copy_engine();
  __syncthreads();
  OneRowStream<kFormat> stream(args, layers, block.shared->works[block.warp],
                               slots + block.warp * plan.n_stages * plan.slot_bytes,
                               barriers + block.warp * plan.n_stages, block.lane);

  wait_for_previous_kernel();
  float* scratch = args.buffers.scratch;
  const OneRowScratch at = one_row_scratch(s, static_cast<int>(gridDim.x));
  auto* arrivals = reinterpret_cast<unsigned*>(scratch + at.counters);
  unsigned n_barriers = 0;
  const OneRowRange range = one_row_range<kDim>(args, block.shared->kv_groups);
  auto& attention = *reinterpret_cast<OneRowAttentionShared*>(block.x);
  float *hidden = args.buffers.hidden, *other = scratch + at.other_hidden;
  const int n_qkv = (s.n_heads + 2 * s.n_kv_heads) * kDim;

#pragma unroll 1
  for (int step = 0; step < s.n_layers * kNumOneRowProducts; ++step) {
    const int l = step / kNumOneRowProducts, product = step % kNumOneRowProducts;
    const OneRowLayer& layer = layers[l];
    const OneRowWork& work = block.shared->works[block.warp][product];
    const bool is_qkv = product == kQkv, is_gate_up = product == kGateUp, is_o = product == kO;
    float scale = 1.0f;
    if (is_qkv || is_gate_up) {
      const int n_parts =
          is_gate_up ? plan.products[kO].n_splits : (l == 0 ? 0 : plan.products[kDown].n_splits);
      stage_normed(args, block, is_qkv ? hidden : other, scratch + (is_qkv ? at.down : at.o),
                   n_parts, is_qkv ? layer.input_norm : layer.post_norm, is_qkv ? other : hidden);
      scale = factor(args, block);
    } else {
      stage_plain(block, is_o ? args.buffers.attended : args.buffers.gated,
                  is_o ? s.n_heads * kDim : s.intermediate_size);
    }
    if (is_qkv) {
      prefetch_vectors(args, layers, l, block.tid);
      prefetch_kv(args, layer, range, block.shared->kv_groups, block.tid, block.n_threads);
    }
    multiply_run<kFormat>(block, work, stream);
    __syncthreads();
    if (is_gate_up) {
      finish_gated(args, block, work, scale, layer.gate_up_bias);
    } else {
      finish_parts(args, block, work, scale,
                   is_qkv ? nullptr
                   : is_o ? layer.o_bias
                          : layer.down_bias,
                   scratch + (is_qkv ? at.qkv
                              : is_o ? at.o
                                     : at.down),
                   is_qkv ? n_qkv : s.hidden_size);
    }
    grid_barrier(arrivals, n_barriers);
    if (is_qkv) {
      one_row_attention<kDim>(args, layer, range, block.shared->kv_groups, scratch,
                              plan.products[kQkv].n_splits, attention);
      grid_barrier(arrivals, n_barriers);
    }
  }
  for (int i = static_cast<int>(blockIdx.x) * block.n_threads + block.tid; i < s.hidden_size;
       i += static_cast<int>(gridDim.x) * block.n_threads) {
    float sum = __ldcg(hidden + i);
    for (int p = 0; p < plan.products[kDown].n_splits; ++p)
      sum += __ldcg(scratch + at.down + p * s.hidden_size + i);
    hidden[i] = sum;
  }
  if (block.tid == 0 && atomicAdd(arrivals + 1, 1u) == gridDim.x - 1)
    arrivals[0] = arrivals[1] = 0;  // all have passed the last barrier
}

}  // namespace

std::int64_t one_row_scratch_floats(const DeviceContext& context, const OneRowShape& shape) {
  return one_row_scratch(shape, context.n_sms()).end;
}

namespace {

template <int kDim>
auto kernel_of_format(WeightFormat format) {
  switch (format) {
    case WeightFormat::int8: return one_row_kernel<kDim, WeightFormat::int8>;
    case WeightFormat::int4: return one_row_kernel<kDim, WeightFormat::int4>;
    case WeightFormat::int4_k: return one_row_kernel<kDim, WeightFormat::int4_k>;
    default: return one_row_kernel<kDim, WeightFormat::bf16>;
  }
}
auto kernel_for(const OneRowShape& s) {
  return s.head_dim == 64 ? kernel_of_format<64>(s.format) : kernel_of_format<128>(s.format);
}

bool is_known(const OneRowShape& s) {
  const bool knows_format = s.format == WeightFormat::bf16 || s.format == WeightFormat::int8 ||
                            s.format == WeightFormat::int4 || s.format == WeightFormat::int4_k;
  return knows_format && (s.head_dim == 64 || s.head_dim == 128) && s.n_heads % s.n_kv_heads == 0 &&
         s.n_heads / s.n_kv_heads <= kMaxOneRowGroup && s.hidden_size % 64 == 0 &&
         s.intermediate_size % 8 == 0;
}

// Blocks of a K/V head: enough for all positions, and no more than the merging has room for.
bool has_blocks_for_attention(int n_blocks, const OneRowShape& s) {
  const int n_splits = n_blocks / s.n_kv_heads;
  return n_splits * kMaxOneRowKvGroups * kKvGroup >= kMaxOneRowPosition &&
         n_splits <= kMaxOneRowParts;
}

// All blocks wait for each other, so a launch is refused where they do not fit at once. The room
// that a kernel may have is one number for all engines.
bool fits_at_once(const DeviceContext& context, const OneRowShape& s, const OneRowPlan& plan) {
  const auto kernel = kernel_for(s);
  int is_cooperative = 0, n_blocks = 0;
  check(cudaDeviceGetAttribute(&is_cooperative, cudaDevAttrCooperativeLaunch, context.device_idx()),
        "all layers of one row");
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             context.max_shared_bytes()),
        "all layers of one row");
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n_blocks, kernel, plan.n_warps * 32,
                                                      static_cast<std::size_t>(plan.shared_bytes)),
        "all layers of one row");
  return is_cooperative != 0 && n_blocks > 0;
}

OneRowPlan::Product product_of(std::int64_t n_rows, std::int64_t n_cols, int n_sms,
                               bool may_split) {
  OneRowPlan::Product product;
  product.n_tiles = static_cast<std::int32_t>(padded_to(n_rows, kRowTile)) / kRowTile;
  product.n_cols = static_cast<std::int32_t>(padded_to(n_cols, 64));
  while (may_split && product.n_splits < kMaxOneRowSplits &&
         product.n_tiles * product.n_splits < 3 * n_sms)
    product.n_splits *= 2;
  return product;
}

}  // namespace

OneRowPlan plan_one_row(const DeviceContext& context, const OneRowShape& s) {
  OneRowPlan plan;
  const int n_sms = context.n_sms();
  const std::int64_t q = std::int64_t{s.n_heads} * s.head_dim,
                     kv = std::int64_t{s.n_kv_heads} * s.head_dim;
  if (!context.has_hopper_code() || !is_known(s) || !has_blocks_for_attention(n_sms, s))
    return plan;
  plan.products[kQkv] = product_of(q + 2 * kv, s.hidden_size, n_sms, true);
  plan.products[kO] = product_of(s.hidden_size, q, n_sms, true);
  plan.products[kGateUp] =
      product_of(2 * padded_to(s.intermediate_size, 8), s.hidden_size, n_sms, false);
  plan.products[kDown] = product_of(s.hidden_size, s.intermediate_size, n_sms, true);
  plan.slot_bytes = piece_info(s.format).bytes;
  const int n_warps = kMaxOneRowWarps;
  for (int i = 0; i < kNumOneRowProducts; ++i) {
    OneRowPlan::Product& product = plan.products[i];
    product.first_unit = plan.units_a_layer;
    const int n_units = product.n_tiles * product.n_splits;
    plan.units_a_layer += n_units;
    if ((n_units + n_sms - 1) / n_sms / n_warps + 3 > kMaxOneRowUnits) return plan;
  }
  const std::int64_t x_cols =
      std::max({std::int64_t{s.hidden_size}, q, std::int64_t{s.intermediate_size}});
  plan.x_bytes = static_cast<std::int32_t>(
      std::max(padded_to(x_cols, kXPadding) * 2,
               padded_to(static_cast<std::int64_t>(sizeof(OneRowAttentionShared)), 1024)));
  const int fixed = plan.x_bytes + plan.x_bytes / 16 +
                    s.n_layers * static_cast<int>(sizeof(OneRowLayer)) +
                    static_cast<int>(sizeof(OneRowShared)) + 1024;
  plan.n_stages =
      std::min(24, (context.max_shared_bytes() - fixed) / (n_warps * (plan.slot_bytes + 8)));
  if (plan.n_stages < 2) return plan;
  plan.shared_bytes = fixed + n_warps * plan.n_stages * (plan.slot_bytes + 8);
  plan.n_warps = n_warps;
  return fits_at_once(context, s, plan) ? plan : OneRowPlan{};
}

void launch_one_row(const DeviceContext& context, const OneRowShape& shape, const OneRowPlan& plan,
                    const OneRowBuffers& buffers) {
  CHECK(plan.n_warps > 0, "no plan for this shape");
  const OneRowArgs args{shape, plan, buffers};
  // All blocks at once or none: they wait for each other.
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(context.n_sms()));
  config.blockDim = dim3(static_cast<unsigned>(plan.n_warps * 32));
  config.dynamicSmemBytes = static_cast<std::size_t>(plan.shared_bytes);
  config.stream = context.stream();
  config.attrs = &cooperative;
  config.numAttrs = 1;
  check(cudaLaunchKernelEx(&config, kernel_for(shape), args), "all layers of one row");
  if (context.checks_each_launch()) context.synchronise();
}

}  // namespace tinyllm::cuda
