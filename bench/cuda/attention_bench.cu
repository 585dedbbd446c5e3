// Attention, RoPE and sampling kernels alone, at the shapes of real models.
//   attention_bench [decode|prefill|sampling|rope] ...

#include <cuda_bf16.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>

#include "timing.cuh"
#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/kv_layout.h"
#include "kernels/cuda/prefill_attention.h"
#include "kernels/cuda/rope_and_store.h"
#include "kernels/cuda/sampling.h"

namespace tinyllm::cuda {
namespace {

struct Model {
  const char* name;
  int n_layers, n_heads, n_kv_heads, head_dim;
  AttentionShape shape() const {
    return {n_heads, n_kv_heads, head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim)), 0};
  }
};
constexpr Model k7B = {"7B", 28, 28, 4, 128}, k05B = {"0.5B", 24, 14, 2, 64},
                k06B = {"Qwen3-0.6B", 28, 16, 8, 128}, k15B = {"1.5B", 28, 12, 2, 128};

double bandwidth = 0;

template <typename T>
DeviceBuffer upload(const std::vector<T>& values) {
  DeviceBuffer buffer(static_cast<std::int64_t>(std::max<std::size_t>(values.size(), 1) * sizeof(T)), "bench");
  check(cudaMemcpy(buffer.data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), "upload");
  return buffer;
}

// Pages of several layers for the sequences, blocks in random order.
struct Pages {
  Pages(const Model& model, const std::vector<int>& lengths, int n_new, int n_layers)
      : n_layers(n_layers) {
    std::vector<std::int32_t> blocks;
    std::int32_t token = 0;
    for (const int length : lengths) {
      ranges.push_back({token, n_new, length - n_new, static_cast<std::int32_t>(blocks.size())});
      token += n_new;
      n_positions += length;
      for (int i = 0; i < (length + 63) / 64; ++i) blocks.push_back(static_cast<std::int32_t>(blocks.size()));
    }
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
    n_tokens = token;
    layer_elems = static_cast<std::int64_t>(blocks.size()) * 64 * 2 * model.n_kv_heads * model.head_dim;
    memory = DeviceBuffer(layer_elems * 2 * n_layers, "pages");
    fill_random(memory.as<__nv_bfloat16>(), layer_elems * n_layers, 2, [](float x) { return __float2bfloat16(x); });
    q = DeviceBuffer(std::int64_t{n_tokens} * model.n_heads * model.head_dim * 2, "q");
    out = DeviceBuffer(q.n_bytes(), "out");
    fill_random(q.as<__nv_bfloat16>(), q.n_bytes() / 2, 3, [](float x) { return __float2bfloat16(x); });
    device_blocks = upload(blocks);
  }
  KvView kv(const Model& model, int layer) const {
    return {memory.as<__nv_bfloat16>() + layer * layer_elems, device_blocks.as<std::int32_t>(), 64, model.n_kv_heads};
  }
  int n_layers;
  std::vector<AttentionRange> ranges;
  std::int32_t n_tokens = 0;
  std::int64_t n_positions = 0, layer_elems = 0;
  DeviceBuffer memory, q, out, device_blocks;
};

void bench_decode(const Model& model, const char* what, const std::vector<int>& lengths, int n_new = 1,
                  int split_groups = 0) {
  const DeviceContext context;
  const std::int64_t total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  const double bytes = static_cast<double>(total) * model.n_kv_heads * model.head_dim * 4;
  const int n_layers = std::clamp(static_cast<int>(4e9 / bytes), 4, 64);
  const Pages pages(model, lengths, n_new, n_layers);
  const int group_size = model.n_heads / model.n_kv_heads;
  AttentionPlanSizes sizes = decode_plan_sizes(context, model.shape(), group_size * n_new > 16 ? 32 : 16);
  sizes.split_groups = split_groups;
  AttentionPlan plan;
  plan_attention(pages.ranges, sizes, plan);
  const DeviceBuffer segments = upload(plan.segments), starts = upload(plan.slot_starts);
  const std::int64_t rows = std::int64_t{std::max(plan.n_parts, 1)} * model.n_kv_heads * sizes.max_rows;
  const DeviceBuffer parts(rows * model.head_dim * 4, "parts"), sums(rows * 8, "sums");
  const DeviceBuffer counters = upload(std::vector<std::int32_t>(
      static_cast<std::size_t>(std::max(plan.n_merges, 1)) * model.n_kv_heads, 0));
  const DecodePlanView view = {segments.as<AttentionSegment>(), starts.as<std::int32_t>(), sizes.n_slots,
                               sizes.max_rows, parts.as<float>(), sums.as<float2>(), counters.as<std::int32_t>()};
  const double us = time_us(context, [&] {
    for (int layer = 0; layer < n_layers; ++layer)
      launch_decode_attention(context, model.shape(), pages.kv(model, layer), view,
                              pages.q.as<__nv_bfloat16>(), pages.out.as<__nv_bfloat16>());
  }) / n_layers;
  std::printf("decode   %-11s %-28s%s %8.2f us a layer, %7.3f ms a step, %6.0f GB/s, %5.1f %% of read, floor %7.2f us\n", model.name,
              what, split_groups > 0 ? " fixed" : "      ", us, us * model.n_layers / 1e3, bytes / us / 1e3,
              bytes / us / 1e3 / bandwidth * 100, bytes / bandwidth / 1e3);
}

void bench_prefill(const Model& model, const char* what, const std::vector<int>& lengths, int n_new) {
  const DeviceContext context;
  const int n_layers = 8;
  const Pages pages(model, lengths, n_new, n_layers);
  std::vector<PrefillTile> tiles;
  plan_prefill(pages.ranges, model.n_heads / model.n_kv_heads, tiles);
  const DeviceBuffer device_tiles = upload(tiles);
  double pairs = 0;
  for (const AttentionRange& range : pages.ranges)
    pairs += range.n_tokens * (range.first_position + (range.n_tokens + 1) / 2.0);
  const double flop = 4.0 * pairs * model.n_heads * model.head_dim;
  const double us = time_us(context, [&] {
    for (int layer = 0; layer < n_layers; ++layer)
      launch_prefill_attention(context, model.shape(), pages.kv(model, layer), device_tiles.as<PrefillTile>(),
                               static_cast<std::int32_t>(tiles.size()), pages.q.as<__nv_bfloat16>(),
                               pages.out.as<__nv_bfloat16>());
  }) / n_layers;
  std::printf("prefill  %-11s %-28s       %8.2f us a layer, %7.3f ms a step, %6.0f TFLOP/s, %zu tiles\n", model.name, what, us,
              us * model.n_layers / 1e3, flop / us / 1e6, tiles.size());
}

void bench_rope(const Model& model, int n_tokens) {
  const DeviceContext context;
  const int n_all = model.n_heads + 2 * model.n_kv_heads, n_buffers = n_tokens > 100 ? 8 : 64;
  const std::int64_t elems = std::int64_t{n_tokens} * n_all * model.head_dim;
  DeviceBuffer qkv(elems * 4 * n_buffers, "qkv"), q(elems * 2 * n_buffers, "q");
  fill_random(qkv.as<float>(), elems * n_buffers, 1, [](float x) { return x; });
  DeviceBuffer table(std::int64_t{n_tokens} * model.head_dim * 4, "table");
  fill_random(table.as<float>(), table.n_bytes() / 4, 2, [](float x) { return x; });
  std::vector<std::int32_t> positions(static_cast<std::size_t>(n_tokens));
  std::iota(positions.begin(), positions.end(), 0);
  const DeviceBuffer at = upload(positions);
  DeviceBuffer pages(std::int64_t{(n_tokens + 63) / 64 * 64} * 2 * model.n_kv_heads * model.head_dim * 2 * n_buffers, "pages");
  const RopeAndStoreShape shape = {model.n_heads, model.n_kv_heads, model.head_dim, 64, RopePairing::split_halves, 1e-6f};
  const RopeAndStoreInput input = {at.as<std::int32_t>(), at.as<std::int32_t>(), qkv.as<float>(), nullptr, nullptr,
                                   table.as<float>(), table.as<float>()};
  const double us = time_us(context, [&] {
    for (int i = 0; i < n_buffers; ++i)
      launch_rope_and_store(context, shape, input, n_tokens, qkv.as<float>() + i * elems, q.as<__nv_bfloat16>() + i * elems,
                            pages.as<__nv_bfloat16>() + i * (pages.n_bytes() / 2 / n_buffers));
  }) / n_buffers;
  std::printf("rope     %-11s %5d tokens                        %8.2f us, %6.0f GB/s read and written\n", model.name, n_tokens, us,
              static_cast<double>(elems) * 6 / us / 1e3);
}

enum class Kind { greedy, temperature, top_p, top_k_p, penalties, logprobs };

void bench_sampling(int n_rows, Kind kind, const char* what) {
  const DeviceContext context;
  constexpr int kVocab = 151936;
  const int n_buffers = std::max(2, 512 / n_rows);  // 300 MB of logits at least
  DeviceBuffer logits(std::int64_t{n_buffers} * n_rows * kVocab * 4, "logits");
  fill_random(logits.as<float>(), logits.n_bytes() / 4, 1, [](float x) { return 3.0f * x; });
  std::vector<SampleRow> rows(static_cast<std::size_t>(n_rows));
  for (int i = 0; i < n_rows; ++i) {
    SampleRow& row = rows[static_cast<std::size_t>(i)];
    row.row_slot = i;
    row.draws = 1;
    row.seed = static_cast<std::uint64_t>(i);
    row.temperature = kind == Kind::greedy ? 0.0f : 0.7f;
    if (kind == Kind::top_p || kind == Kind::top_k_p) row.top_p = 0.95f;
    if (kind == Kind::top_k_p) row.top_k = 20;
    if (kind == Kind::penalties) row.repetition_penalty = 1.1f;
    if (kind == Kind::logprobs) row.n_logprobs = 5;
  }
  const DeviceBuffer device_rows = upload(rows);
  DeviceBuffer last(n_rows * 4, "b"), counts(std::int64_t{n_rows} * kVocab * 4, "b"), processed(std::int64_t{n_rows} * kVocab * 4, "b"),
      best(n_rows * 16 * 64, "b"), finite(n_rows * 4 * 64, "b"), arrivals(n_rows * 4, "b"), stats(n_rows * 16, "b"),
      bin_counts(n_rows * 4 * kMassBins, "b"), bin_masses(n_rows * 8 * kMassBins, "b"), ids(n_rows * 4, "b"),
      reports(n_rows * sizeof(RowReport), "b"), top_ids(n_rows * 80, "b"), top_logits(n_rows * 80, "b");
  for (const DeviceBuffer* buffer : {&counts, &arrivals, &bin_counts, &bin_masses})
    check(cudaMemset(buffer->data(), 0, static_cast<std::size_t>(buffer->n_bytes())), "clear");
  const SamplerState state = {last.as<TokenId>(), counts.as<std::uint32_t>()};
  const SamplerScratch scratch = {processed.as<float>(), best.as<std::uint64_t>(), finite.as<std::int32_t>(), arrivals.as<std::int32_t>(),
                                  stats.as<RowStats>(), bin_counts.as<std::uint32_t>(), bin_masses.as<std::uint64_t>()};
  const SampleResults results = {ids.as<TokenId>(), reports.as<RowReport>(), top_ids.as<TokenId>(), top_logits.as<float>(), 20};
  const double us = time_us(context, [&] {
    for (int i = 0; i < n_buffers; ++i) {
      const SampleBatchView view = {n_rows, kVocab, device_rows.as<SampleRow>(), nullptr, nullptr, nullptr,
                                    logits.as<float>() + std::int64_t{i} * n_rows * kVocab, kVocab};
      launch_prepare_rows(context, view, state, scratch, results);
      if (kind != Kind::greedy) launch_draw_rows(context, view, scratch, results);
      if (kind == Kind::logprobs) launch_report_rows(context, view, scratch, results);
      launch_accept_rows(context, view, state, results);
    }
  }) / n_buffers;
  std::printf("sampling %4d rows of %d, %-22s    %8.2f us, one read of the logits %7.2f us\n", n_rows, kVocab, what, us,
              4.0 * n_rows * kVocab / bandwidth / 1e3);
}

std::vector<int> ragged(int n, int from, int to) {
  std::mt19937 random(7);
  std::vector<int> lengths;
  for (int i = 0; i < n; ++i) lengths.push_back(from + static_cast<int>(random() % (to - from)));
  return lengths;
}

void all_decode() {
  for (const int length : {128, 1024, 4096, 8192, 32768})
    bench_decode(k7B, ("1 x " + std::to_string(length)).c_str(), {length});
  for (const int length : {4096, 32768}) bench_decode(k7B, ("1 x " + std::to_string(length)).c_str(), {length}, 1, 32);
  bench_decode(k7B, "1 x 4096, 5 new", {4096}, 5);
  bench_decode(k7B, "8 x 1024", std::vector<int>(8, 1024));
  bench_decode(k7B, "32 x 1024", std::vector<int>(32, 1024));
  bench_decode(k7B, "128 x 256", std::vector<int>(128, 256));
  bench_decode(k7B, "128 x 1024", std::vector<int>(128, 1024));
  bench_decode(k7B, "128 x 1024", std::vector<int>(128, 1024), 1, 32);
  std::vector<int> skewed(31, 4096);
  skewed.push_back(131072);
  bench_decode(k7B, "31 x 4096 + 1 x 131072", skewed);
  bench_decode(k05B, "1 x 128", {128});
  bench_decode(k05B, "1 x 4096", {4096});
  bench_decode(k05B, "1 x 32768", {32768});
  bench_decode(k05B, "256 x 256", std::vector<int>(256, 256));
  bench_decode(k05B, "256 x 1024", std::vector<int>(256, 1024));
  bench_decode(k15B, "32 x 1024", std::vector<int>(32, 1024));
  bench_decode(k06B, "1 x 1024", {1024});
  bench_decode(k06B, "1 x 32768", {32768});
  bench_decode(k06B, "256 x 100-2048", ragged(256, 100, 2048));
  bench_decode(k06B, "256 x 100-2048", ragged(256, 100, 2048), 1, 32);
  bench_decode(k06B, "64 x 100-2048", ragged(64, 100, 2048));
}

void all_prefill() {
  for (const Model& model : {k7B, k05B, k06B}) {
    for (const int n : {512, 2048, 8192}) bench_prefill(model, ("1 x " + std::to_string(n)).c_str(), {n}, n);
    bench_prefill(model, "8 x 256", std::vector<int>(8, 256), 256);
    bench_prefill(model, "512 new of 8192", {8192}, 512);
  }
}

void all_sampling() {
  for (const int n : {1, 8, 64, 256}) {
    bench_sampling(n, Kind::greedy, "greedy");
    bench_sampling(n, Kind::temperature, "temperature");
    bench_sampling(n, Kind::top_p, "top_p .95");
    bench_sampling(n, Kind::top_k_p, "top_k 20, top_p .95");
    bench_sampling(n, Kind::penalties, "penalties, temperature");
    bench_sampling(n, Kind::logprobs, "temperature, 5 logprobs");
  }
}

}  // namespace
}  // namespace tinyllm::cuda

int main(int argc, char** argv) {
  using namespace tinyllm::cuda;
  {
    const DeviceContext context;
    bandwidth = read_bandwidth(context);
    std::printf("%s, reads at %.0f GB/s\n", context.name().c_str(), bandwidth);
  }
  const auto wants = [&](const char* what) {
    for (int i = 1; i < argc; ++i) {
      if (std::strcmp(argv[i], what) == 0) return true;
    }
    return argc == 1;
  };
  if (wants("decode")) all_decode();
  if (wants("prefill")) all_prefill();
  if (wants("rope")) {
    for (const int n : {1, 32, 256, 2048}) bench_rope(k7B, n);
  }
  if (wants("sampling")) all_sampling();
  return 0;
}
