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
// Measured on an H200 on 2026-11-29, rows of 151936, all launches: 1 row: greedy 5.3 us,
// temperature 21 us, top_k and top_p 38 us; 64 rows: 19, 83, 111 us; 256 rows: 55, 251, 349 us.
// docs/gpu.md.

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
  return row.draws != 0 && row.temperature != 0.0f && stats.finite != 0 && stats.max > -INFINITY;
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

// A block's part of a row's table. There is no 64-bit addition in shared memory, so masses are
// added in two halves of 20 bits, less one each: 2^12 of them stay below 2^32. The last bin is
// open: its masses are 0 or 1.
struct PartTable {
  std::uint32_t counts[kMassBins], low[kMassBins], high[kMassBins];

  __device__ void add(const MassScale& scale, float logit) {
    const float exponent = scale.exponent(logit);
    const std::uint64_t mass = scale.mass(exponent);
    if (mass < scale.least) return;
    const int bin = scale.bin(exponent);
    atomicAdd(counts + bin, 1u);
    const std::uint64_t less = bin == kMassBins - 1 ? mass : mass - 1;
    atomicAdd(low + bin, static_cast<std::uint32_t>(less & 0xFFFFFu));
    if (less >> 20 != 0) atomicAdd(high + bin, static_cast<std::uint32_t>(less >> 20));
  }
  __device__ std::uint64_t mass(int bin) const {
    const std::uint64_t less = (static_cast<std::uint64_t>(high[bin]) << 20) + low[bin];
    return bin == kMassBins - 1 ? less : less + counts[bin];
  }
};
static_assert(kSampleChunk <= 1 << 12);

// What a table is made for, and from which logits.
enum class TableFor : int { draw, report };

struct TableRow {
  const float* logits = nullptr;  // null: this row needs none
  MassScale scale;
};

__device__ TableRow table_row(const SampleBatchView& batch, const SamplerScratch& scratch,
                              const SampleResults& results, TableFor what, std::int64_t row_idx) {
  const SampleRow& row = batch.rows[row_idx];
  const RowStats stats = scratch.stats[row_idx];
  if (what == TableFor::draw) {
    return {is_drawn(row, stats) ? row_of(batch, scratch.processed, row_idx) : nullptr,
            scale_of(row, stats)};
  }
  const bool is_wanted = row.n_logprobs >= 0 && stats.finite != 0 &&
                         (results.token_ids[row_idx] >= 0 || row.logprob_of >= 0);
  return {is_wanted ? batch.logits + row_idx * batch.logits_stride : nullptr,
          MassScale(stats.raw_max, 1.0f, 0)};
}

__global__ __launch_bounds__(kBinThreads) void fill_bins_kernel(const SampleBatchView batch,
                                                                const SamplerScratch scratch,
                                                                const SampleResults results,
                                                                TableFor what) {
  let_next_kernel_start();
  wait_for_previous_kernel();
  const std::int64_t row_idx = blockIdx.y;
  const TableRow row = table_row(batch, scratch, results, what, row_idx);
  if (row.logits == nullptr) return;
  __shared__ PartTable table;
  for (int i = threadIdx.x; i < kMassBins; i += kBinThreads)
    table.counts[i] = table.low[i] = table.high[i] = 0;
  __syncthreads();
  const int first = static_cast<int>(blockIdx.x) * kSampleChunk;
#pragma unroll
  for (int i = 0; i < kSampleChunk / 4 / kBinThreads; ++i) {
    const int id = first + (i * kBinThreads + static_cast<int>(threadIdx.x)) * 4;
    if (id >= batch.vocab_size) continue;
    const float4 values = load_logits(row.logits, id, batch.vocab_size);
    const float x[4] = {values.x, values.y, values.z, values.w};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (id + j < batch.vocab_size) table.add(row.scale, x[j]);
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < kMassBins; i += kBinThreads) {
    if (table.counts[i] == 0) continue;
    atomicAdd(scratch.bin_counts + row_idx * kMassBins + i, table.counts[i]);
    atomicAdd(reinterpret_cast<unsigned long long*>(scratch.bin_masses + row_idx * kMassBins + i),
              table.mass(i));
  }
}

// The row's table comes to the shared memory of each of its blocks, and is 0 again behind them.
__device__ void take_table(const SamplerScratch& scratch, std::int64_t row_idx, int block,
                           int n_blocks, SelectMemory& memory) {
  for (int i = threadIdx.x; i < kMassBins; i += kSelectThreads) {
    memory.coarse.counts[i] = __ldcg(scratch.bin_counts + row_idx * kMassBins + i);
    memory.coarse.masses[i] = __ldcg(scratch.bin_masses + row_idx * kMassBins + i);
  }
  sync_row(n_blocks);
  for (int i = threadIdx.x; i < kMassBins && block == 0; i += kSelectThreads) {
    scratch.bin_counts[row_idx * kMassBins + i] = 0;
    scratch.bin_masses[row_idx * kMassBins + i] = 0;
  }
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
  std::uint32_t c0 = static_cast<std::uint32_t>(position),
                c1 = static_cast<std::uint32_t>(position >> 32);
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
                                                                   const SampleResults results,
                                                                   int n_blocks) {
  let_next_kernel_start();
  wait_for_previous_kernel();
  extern __shared__ __align__(16) std::byte bytes[];
  auto& memory = *reinterpret_cast<SelectMemory*>(bytes);
  const std::int64_t row_idx = blockIdx.x / n_blocks;
  const int block = static_cast<int>(blockIdx.x) % n_blocks;
  const SampleRow& row = batch.rows[row_idx];
  const TableRow table = table_row(batch, scratch, results, TableFor::draw, row_idx);
  if (table.logits == nullptr) return;
  if (threadIdx.x == 0) memory.random = random_bits(row.seed, row.position);
  take_table(scratch, row_idx, block, n_blocks, memory);
  RowSelector selector(memory, table.logits, batch.vocab_size, table.scale, block, n_blocks);
  Prefix kept = selector.whole();
  if (row.top_k > 0 && static_cast<std::uint32_t>(row.top_k) < kept.count)
    kept = selector.select(SelectBy::count, static_cast<std::uint32_t>(row.top_k));
  if (row.top_p < 1.0f) kept = selector.select(SelectBy::mass, top_p_target(row.top_p, kept.mass));
  const std::uint64_t point = __umul64hi(kept.mass, memory.random);
  const Prefix drawn = selector.select(SelectBy::mass, point + 1);
  if (block == 0 && threadIdx.x == 0) results.token_ids[row_idx] = id_of(drawn.key);
}

// How many of the row stand before `key`. Only the first block learns it.
__device__ std::uint32_t count_before(SelectMemory& memory, const float* row, int vocab_size,
                                      std::uint64_t key, int block, int n_blocks) {
  if (threadIdx.x == 0) memory.n_keys = 0;
  sync_row(n_blocks);
  const float logit = logit_of(key);
  const int its_id = id_of(key);
  std::uint32_t n = 0;
  for_each_logit(row, vocab_size, block, n_blocks,
                 [&](float x, int id) { n += x > logit || (x == logit && id < its_id) ? 1 : 0; });
  n = __reduce_add_sync(~0u, n);
  if (threadIdx.x % 32 == 0) atomicAdd(in_first_block(&memory.n_keys), n);
  sync_row(n_blocks);
  return memory.n_keys;
}

__global__ __launch_bounds__(kSelectThreads) void report_rows_kernel(const SampleBatchView batch,
                                                                     const SamplerScratch scratch,
                                                                     const SampleResults results,
                                                                     int n_blocks) {
  let_next_kernel_start();
  wait_for_previous_kernel();
  extern __shared__ __align__(16) std::byte bytes[];
  auto& memory = *reinterpret_cast<SelectMemory*>(bytes);
  const std::int64_t row_idx = blockIdx.x / n_blocks;
  const int block = static_cast<int>(blockIdx.x) % n_blocks;
  const SampleRow& row = batch.rows[row_idx];
  const TableRow table = table_row(batch, scratch, results, TableFor::report, row_idx);
  const bool writes = block == 0 && threadIdx.x == 0;
  if (table.logits == nullptr) {
    if (writes) results.reports[row_idx] = {.token_id = -1};
    return;
  }
  const TokenId drawn = results.token_ids[row_idx];
  const TokenId id = drawn >= 0 ? drawn : row.logprob_of;
  take_table(scratch, row_idx, block, n_blocks, memory);
  const std::uint64_t key = order_key(table.logits[id], static_cast<std::uint32_t>(id));
  const std::uint32_t n_before =
      count_before(memory, table.logits, batch.vocab_size, key, block, n_blocks);
  RowSelector selector(memory, table.logits, batch.vocab_size, table.scale, block, n_blocks);
  const int n_top = min(min(row.n_logprobs, results.max_top), batch.vocab_size);
  if (writes) {
    results.reports[row_idx] = {.max_logit = table.scale.max,
                                .logit = table.logits[id],
                                .mass = selector.whole().mass,
                                .token_id = id,
                                .rank = static_cast<std::int32_t>(n_before) + 1,
                                .n_top = n_top,
                                .padding = 0};
  }
  if (n_top == 0) return;
  const Prefix top = selector.select(SelectBy::count, static_cast<std::uint32_t>(n_top));
  selector.gather_up_to(top.key);
  for (int i = threadIdx.x; i < n_top && block == 0; i += kSelectThreads) {
    const std::int64_t at = row_idx * results.max_top + i;
    results.top_ids[at] = id_of(memory.keys[i]);
    results.top_logits[at] = table.logits[id_of(memory.keys[i])];
  }
}

// Few rows get several blocks each.
int blocks_a_row(const DeviceContext& context, int n_rows) {
  int n_blocks = 1;
  while (context.has_hopper_code() && n_blocks < 8 && n_rows * n_blocks * 2 <= context.n_sms())
    n_blocks *= 2;
  return n_blocks;
}

using RowKernel = void (*)(SampleBatchView, SamplerScratch, SampleResults, int);

void launch_table_and(const DeviceContext& context, const char* name, RowKernel kernel,
                      TableFor what, const SampleBatchView& batch, const SamplerScratch& scratch,
                      const SampleResults& results) {
  const int n_blocks = blocks_a_row(context, batch.n_rows);
  launch(context, "fill bins", fill_bins_kernel,
         {.grid = dim3(static_cast<unsigned>(n_sample_chunks(batch.vocab_size)),
                       static_cast<unsigned>(batch.n_rows)),
          .block = dim3(kBinThreads)},
         batch, scratch, results, what);
  launch(context, name, kernel,
         {.grid = dim3(static_cast<unsigned>(batch.n_rows * n_blocks)),
          .block = dim3(kSelectThreads),
          .shared_bytes = sizeof(SelectMemory),
          .cluster = static_cast<unsigned>(n_blocks)},
         batch, scratch, results, n_blocks);
}

}  // namespace

void launch_draw_rows(const DeviceContext& context, const SampleBatchView& batch,
                      const SamplerScratch& scratch, const SampleResults& results) {
  launch_table_and(context, "draw rows", draw_rows_kernel, TableFor::draw, batch, scratch, results);
}

void launch_report_rows(const DeviceContext& context, const SampleBatchView& batch,
                        const SamplerScratch& scratch, const SampleResults& results) {
  CHECK(results.max_top <= kSelectBuffer, "{} logprobs, at most {}", results.max_top,
        int{kSelectBuffer});
  launch_table_and(context, "report rows", report_rows_kernel, TableFor::report, batch, scratch,
                   results);
}

}  // namespace tinyllm::cuda
