// The draw of rows that have a temperature, and the logprobs of rows that want them.
//
// Bytes moved: a row of logits once for the table of bins, and once more for each bin that a cut or
// the draw falls into (one to three), 608 KB each at 152k ids; mostly from L2. Floor: two passes,
// 0.26 us a row at 4.62 TB/s.
//
// The table of bins (count and mass, in integers, so that any order of additions gives the same) is
// made by many blocks a row; then one block a row selects (sampling_select.cuh). Each filter of
// sampling/ keeps a beginning of one order, so a filter is a number of candidates or a mass.
//
// Measured: see docs/gpu.md.

#include <cuda_runtime.h>

#include "base/check.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/sampling.h"
#include "kernels/cuda/sampling_select.cuh"

namespace tinyllm::cuda {
namespace {

constexpr int kBinThreads = 512;

__device__ bool is_drawn(const SampleRow& row, const RowStats& stats) {
  return row.draws != 0 && row.temperature != 0.0f && stats.finite != 0 &&
         stats.max > -INFINITY;
}

__device__ MassScale scale_of(const SampleRow& row, const RowStats& stats) {
  // keep_min_p: a mass, as a double, of at least min_p x kFullMass. And at least one unit.
  const double least = ceil(static_cast<double>(row.min_p) * static_cast<double>(kFullMass));
  const auto mass = static_cast<std::uint64_t>(least);
  return {stats.max, row.temperature, mass > 1 ? mass : 1};
}

__device__ const float* row_of(const SampleBatchView& batch, const float* processed,
                               std::int64_t row_idx) {
  const float* rows = is_processed(batch.rows[row_idx]) ? processed : batch.logits;
  return rows + row_idx * batch.logits_stride;
}

__device__ void add_to_table(const MassScale& scale, float logit, BinTable& table) {
  const float exponent = scale.exponent(logit);
  const std::uint64_t mass = scale.mass(exponent);
  if (mass < scale.least) return;
  const int bin = scale.bin(exponent);
  atomicAdd(table.counts + bin, 1u);
  atomicAdd(reinterpret_cast<unsigned long long*>(table.masses + bin), mass);
}

__global__ __launch_bounds__(kBinThreads) void fill_bins_kernel(const SampleBatchView batch,
                                                                const SamplerScratch scratch) {
  wait_for_previous_kernel();
  let_next_kernel_start();
  const std::int64_t row_idx = blockIdx.y;
  const SampleRow& row = batch.rows[row_idx];
  const RowStats stats = scratch.stats[row_idx];
  if (!is_drawn(row, stats)) return;
  __shared__ BinTable table;
  for (int i = threadIdx.x; i < kMassBins; i += kBinThreads) {
    table.counts[i] = 0;
    table.masses[i] = 0;
  }
  __syncthreads();
  const float* logits = row_of(batch, scratch.processed, row_idx);
  const MassScale scale = scale_of(row, stats);
  const int first = static_cast<int>(blockIdx.x) * kSampleChunk;
#pragma unroll
  for (int i = 0; i < kSampleChunk / 4 / kBinThreads; ++i) {
    const int id = first + (i * kBinThreads + static_cast<int>(threadIdx.x)) * 4;
    if (id >= batch.vocab_size) continue;
    const float4 x = load_logits(logits, id, batch.vocab_size);  // -inf past the end: no mass
    add_to_table(scale, x.x, table);
    add_to_table(scale, x.y, table);
    add_to_table(scale, x.z, table);
    add_to_table(scale, x.w, table);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < kMassBins; i += kBinThreads) {
    if (table.counts[i] == 0) continue;
    atomicAdd(scratch.bin_counts + row_idx * kMassBins + i, table.counts[i]);
    atomicAdd(reinterpret_cast<unsigned long long*>(scratch.bin_masses + row_idx * kMassBins + i),
              table.masses[i]);
  }
}

// The row's table comes to shared memory, and is 0 again behind it.
__device__ void take_table(const SamplerScratch& scratch, std::int64_t row_idx,
                           SelectMemory& memory) {
  for (int i = threadIdx.x; i < kMassBins; i += kSelectThreads) {
    const std::int64_t at = row_idx * kMassBins + i;
    memory.coarse.counts[i] = __ldcg(scratch.bin_counts + at);
    memory.coarse.masses[i] = __ldcg(scratch.bin_masses + at);
    scratch.bin_counts[at] = 0;
    scratch.bin_masses[at] = 0;
  }
  __syncthreads();
  make_running_sums(memory, memory.coarse);
}

// sampling/top_p.cpp: ceil(p x total), p in steps of 2^-32.
__device__ std::uint64_t top_p_target(float p, std::uint64_t total) {
  const auto p_fixed = static_cast<std::uint64_t>(ceil(static_cast<double>(p) * 0x1p32));
  std::uint64_t low = total * p_fixed, high = __umul64hi(total, p_fixed);
  low += 0xFFFFFFFFu;
  high += low < 0xFFFFFFFFu ? 1 : 0;
  const std::uint64_t target = high << 32 | low >> 32;
  return target > 1 ? target : 1;
}

// sampling/philox.cpp
__device__ std::uint64_t random_bits(std::uint64_t seed, std::uint64_t position) {
  std::uint32_t c0 = static_cast<std::uint32_t>(position), c1 = static_cast<std::uint32_t>(position >> 32);
  std::uint32_t c2 = 0, c3 = 0;
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0, p1 = std::uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c0 | static_cast<std::uint64_t>(c1) << 32;
}

__global__ __launch_bounds__(kSelectThreads) void draw_rows_kernel(const SampleBatchView batch,
                                                                   const SamplerScratch scratch,
                                                                   const SampleResults results) {
  wait_for_previous_kernel();
  let_next_kernel_start();
  extern __shared__ __align__(16) std::byte bytes[];
  auto& memory = *reinterpret_cast<SelectMemory*>(bytes);
  const std::int64_t row_idx = blockIdx.x;
  const SampleRow& row = batch.rows[row_idx];
  const RowStats stats = scratch.stats[row_idx];
  if (!is_drawn(row, stats)) return;
  take_table(scratch, row_idx, memory);
  RowSelector selector(memory, row_of(batch, scratch.processed, row_idx), batch.vocab_size,
                       scale_of(row, stats));
  Prefix kept = selector.whole();
  if (row.top_k > 0 && static_cast<std::uint32_t>(row.top_k) < kept.count)
    kept = selector.select(SelectBy::count, static_cast<std::uint32_t>(row.top_k));
  if (row.top_p < 1.0f) kept = selector.select(SelectBy::mass, top_p_target(row.top_p, kept.mass));
  const std::uint64_t point = __umul64hi(kept.mass, random_bits(row.seed, row.position));
  const Prefix drawn = selector.select(SelectBy::mass, point + 1);
  if (threadIdx.x == 0) results.token_ids[row_idx] = id_of(drawn.key);
}

// The raw row's table at temperature 1, all ids; the mass of the row; how many stand before `key`.
__device__ __noinline__ std::uint32_t fill_raw_table(SelectMemory& memory, const float* row, int vocab_size,
                                        const MassScale& scale, std::uint64_t key) {
  clear_table(memory.coarse);
  std::uint32_t n_before = 0;
  for_each_logit(row, vocab_size, [&](float logit, int id) {
    add_to_table(scale, logit, memory.coarse);
    n_before += order_key(logit, id) < key ? 1 : 0;
  });
  __syncthreads();
  make_running_sums(memory, memory.coarse);
  std::uint64_t nothing = 0;
  scan_block(memory, n_before, nothing);
  if (threadIdx.x == kSelectThreads - 1) memory.n_keys = n_before;
  __syncthreads();
  const std::uint32_t all = memory.n_keys;
  __syncthreads();
  return all;
}

__global__ __launch_bounds__(kSelectThreads) void report_rows_kernel(const SampleBatchView batch,
                                                                     const SamplerScratch scratch,
                                                                     const SampleResults results) {
  wait_for_previous_kernel();
  let_next_kernel_start();
  extern __shared__ __align__(16) std::byte bytes[];
  auto& memory = *reinterpret_cast<SelectMemory*>(bytes);
  const std::int64_t row_idx = blockIdx.x;
  const SampleRow& row = batch.rows[row_idx];
  const RowStats stats = scratch.stats[row_idx];
  const TokenId drawn = results.token_ids[row_idx];
  const TokenId id = drawn >= 0 ? drawn : row.logprob_of;
  RowReport& report = results.reports[row_idx];
  if (row.n_logprobs < 0 || stats.finite == 0 || id < 0) {
    if (threadIdx.x == 0) report = {.token_id = -1};
    return;
  }
  const float* logits = batch.logits + row_idx * batch.logits_stride;
  const MassScale scale(stats.raw_max, 1.0f, 0);
  const std::uint32_t n_before = fill_raw_table(memory, logits, batch.vocab_size, scale,
                                                order_key(logits[id], static_cast<std::uint32_t>(id)));
  RowSelector selector(memory, logits, batch.vocab_size, scale);
  const std::uint64_t mass = selector.whole().mass;
  const int n_top = min(min(row.n_logprobs, results.max_top), batch.vocab_size);
  if (n_top > 0) {
    const Prefix top = selector.select(SelectBy::count, static_cast<std::uint32_t>(n_top));
    selector.gather_up_to(top.key);
    for (int i = threadIdx.x; i < n_top; i += kSelectThreads) {
      const std::int64_t at = row_idx * results.max_top + i;
      results.top_ids[at] = id_of(memory.keys[i]);
      results.top_logits[at] = logits[id_of(memory.keys[i])];
    }
  }
  if (threadIdx.x != 0) return;
  report = {.max_logit = stats.raw_max,
            .logit = logits[id],
            .mass = mass,
            .token_id = id,
            .rank = static_cast<std::int32_t>(n_before) + 1,
            .n_top = n_top,
            .padding = 0};
}

}  // namespace

void launch_draw_rows(const DeviceContext& context, const SampleBatchView& batch,
                      const SamplerScratch& scratch, const SampleResults& results) {
  const auto n_rows = static_cast<unsigned>(batch.n_rows);
  launch(context, "fill bins", fill_bins_kernel,
         {.grid = dim3(static_cast<unsigned>(n_sample_chunks(batch.vocab_size)), n_rows),
          .block = dim3(kBinThreads)},
         batch, scratch);
  launch(context, "draw rows", draw_rows_kernel,
         {.grid = dim3(n_rows), .block = dim3(kSelectThreads), .shared_bytes = sizeof(SelectMemory)},
         batch, scratch, results);
}

void launch_report_rows(const DeviceContext& context, const SampleBatchView& batch,
                        const SamplerScratch& scratch, const SampleResults& results) {
  CHECK(results.max_top <= kSelectBuffer, "{} logprobs, at most {}", results.max_top,
        int{kSelectBuffer});
  launch(context, "report rows", report_rows_kernel,
         {.grid = dim3(static_cast<unsigned>(batch.n_rows)),
          .block = dim3(kSelectThreads),
          .shared_bytes = sizeof(SelectMemory)},
         batch, scratch, results);
}

}  // namespace tinyllm::cuda
