#include "kernels/cuda/attention_case_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "kernels/cuda/kv_layout.h"

namespace tinyllm::cuda {
namespace {

// One query over the positions that it sees. keys, values: [n_positions, head_dim].
void attend(const AttentionShape& shape, const __nv_bfloat16* query, const std::vector<float>& keys,
            const std::vector<float>& values, std::int32_t last, double* out) {
  const std::int32_t first = shape.window > 0 ? std::max(last - shape.window + 1, 0) : 0;
  const std::int64_t dim = shape.head_dim;
  std::vector<double> scores, q;
  for (int d = 0; d < dim; ++d) q.push_back(__bfloat162float(query[d]));
  for (std::int32_t position = first; position <= last; ++position) {
    double score = 0;
    for (int d = 0; d < dim; ++d) score += q[d] * keys[position * dim + d];
    scores.push_back(score * shape.scale);
  }
  const double max = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - max);
  std::fill_n(out, dim, 0.0);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const float* value = values.data() + (first + static_cast<std::int64_t>(i)) * dim;
    for (int d = 0; d < dim; ++d) out[d] += scores[i] / sum * value[d];
  }
}

}  // namespace

AttentionCase::AttentionCase(AttentionShape given, std::int32_t size,
                             std::vector<SequenceSizes> sequences, unsigned seed)
    : shape(given),
      block_size(size),
      device_q(0),
      device_pages(0),
      device_blocks(0),
      device_positions(0),
      device_block_begins(0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::int32_t n_blocks = 0;
  for (const SequenceSizes& sequence : sequences) {
    const auto block_begin = static_cast<std::int32_t>(blocks.size());
    const std::int32_t first = sequence.n_positions - sequence.n_new;
    ranges.push_back({n_tokens, sequence.n_new, first, block_begin});
    for (std::int32_t t = 0; t < sequence.n_new; ++t) {
      positions.push_back(first + t);
      block_begins.push_back(block_begin);
    }
    n_tokens += sequence.n_new;
    const std::int32_t n = (sequence.n_positions + block_size - 1) / block_size;
    for (std::int32_t i = 0; i < n; ++i) blocks.push_back(n_blocks++);
  }
  std::ranges::shuffle(blocks, random);
  const std::int64_t block_elems = std::int64_t{2} * block_size * shape.n_kv_heads * shape.head_dim;
  pages.assign(static_cast<std::size_t>(n_blocks * block_elems), __ushort_as_bfloat16(0xFFFF));
  q.resize(static_cast<std::size_t>(n_tokens) * shape.n_heads * shape.head_dim);
  for (__nv_bfloat16& x : q) x = __float2bfloat16(1.5f * normal(random));
  expected.resize(q.size());
  for (std::size_t s = 0; s < sequences.size(); ++s)
    fill_sequence(s, sequences[s].n_positions, random);
  device_q = DeviceArray<__nv_bfloat16>(q);
  device_pages = DeviceArray<__nv_bfloat16>(pages);
  device_blocks = DeviceArray<std::int32_t>(blocks);
  device_positions = DeviceArray<std::int32_t>(positions);
  device_block_begins = DeviceArray<std::int32_t>(block_begins);
}

KvView AttentionCase::kv() const {
  return {device_pages.data(), device_blocks.data(), block_size, shape.n_kv_heads};
}

void AttentionCase::fill_sequence(std::size_t sequence_idx, std::int32_t n_positions,
                                  std::mt19937& random) {
  std::normal_distribution<float> normal;
  const AttentionRange& range = ranges[sequence_idx];
  const std::int64_t dim = shape.head_dim;
  for (int kv_head = 0; kv_head < shape.n_kv_heads; ++kv_head) {
    std::vector<float> keys, values;
    for (std::int32_t position = 0; position < n_positions; ++position) {
      const std::int64_t block =
          blocks[static_cast<std::size_t>(range.block_begin + position / block_size)];
      const std::int64_t slot = block * block_size + position % block_size;
      __nv_bfloat16* group = pages.data() + kv_group_start(slot, kv_head, shape.n_kv_heads,
                                                           block_size, shape.head_dim);
      for (int d = 0; d < dim; ++d) {
        const int at = kv_elem_in_group(position % kKvGroup, d, shape.head_dim);
        group[at] = __float2bfloat16(normal(random));
        group[kKvGroup * dim + at] = __float2bfloat16(normal(random) + 0.3f);
        keys.push_back(__bfloat162float(group[at]));
        values.push_back(__bfloat162float(group[kKvGroup * dim + at]));
      }
    }
    for (std::int32_t t = 0; t < range.n_tokens; ++t) {
      for (int i = 0; i < shape.group_size(); ++i) {
        const std::int64_t row = (std::int64_t{range.first_token + t} * shape.n_heads +
                                  kv_head * shape.group_size() + i) *
                                 dim;
        attend(shape, q.data() + row, keys, values, range.first_position + t,
               expected.data() + row);
      }
    }
  }
}

double AttentionCase::error_of(const DeviceArray<__nv_bfloat16>& out) const {
  std::vector<float> got;
  for (const __nv_bfloat16 x : out.download()) got.push_back(__bfloat162float(x));
  double worst = 0;
  const auto dim = static_cast<std::size_t>(shape.head_dim);
  for (std::size_t at = 0; at < expected.size(); at += dim)
    worst = std::max(worst, relative_error(std::span(got).subspan(at, dim),
                                           std::span(expected).subspan(at, dim)));
  return worst;
}

DevicePlan::DevicePlan(const AttentionPlan& plan, const AttentionPlanSizes& sizes,
                       const AttentionShape& shape)
    : sizes_(sizes),
      segments_(plan.segments),
      slot_starts_(plan.slot_starts),
      parts_(static_cast<std::size_t>(plan.n_parts) * shape.n_kv_heads * sizes.max_rows *
             shape.head_dim),
      part_sums_(static_cast<std::size_t>(plan.n_parts) * shape.n_kv_heads * sizes.max_rows),
      counters_(std::vector<std::int32_t>(
          static_cast<std::size_t>(plan.n_merges) * shape.n_kv_heads, 0)) {}

DecodePlanView DevicePlan::view() const {
  return {.segments = segments_.data(),
          .slot_starts = slot_starts_.data(),
          .n_slots = sizes_.n_slots,
          .max_rows = sizes_.max_rows,
          .parts = parts_.data(),
          .part_sums = part_sums_.data(),
          .counters = counters_.data()};
}

bool DevicePlan::counters_are_zero() const {
  return std::ranges::all_of(counters_.download(), [](std::int32_t n) { return n == 0; });
}

}  // namespace tinyllm::cuda
