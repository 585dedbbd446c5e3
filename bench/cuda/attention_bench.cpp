// RoPE and attention alone, at the shapes of real models.
//   cuda_attention_bench [--only decode|prefill|rope]

#include <cuda_bf16.h>

#include <cstdio>
#include <numeric>
#include <random>
#include <string>

#include "bench_device.h"
#include "bench_models.h"
#include "kernels/cuda/kv_layout.h"
#include "kernels/cuda/prefill_attention.h"
#include "kernels/cuda/rope_and_store.h"

namespace tinyllm::cuda {
namespace {

constexpr int kBlockSize = 64;

// Random pages of several layers, blocks in random order; the sequences' last n_new tokens are new.
struct Pages {
  Pages(const ModelShape& model, const std::vector<int>& lengths, int n_new, int n_layers) {
    for (const int length : lengths) {
      ranges.push_back({n_tokens, n_new, length - n_new, static_cast<std::int32_t>(blocks.size())});
      n_tokens += n_new;
      for (int i = 0; i < (length + kBlockSize - 1) / kBlockSize; ++i)
        blocks.push_back(static_cast<std::int32_t>(blocks.size()));
    }
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
    device_blocks = to_device(blocks);
    layer_elems = std::ssize(blocks) * kBlockSize * 2 * model.n_kv_heads * model.head_dim;
    memory = DeviceBuffer(layer_elems * 2 * n_layers, "pages");
    q = DeviceBuffer(std::int64_t{n_tokens} * model.n_heads * model.head_dim * 2, "q");
    out = DeviceBuffer(q.n_bytes(), "out");
    fill_normal_bf16(memory, 2);
    fill_normal_bf16(q, 3);
  }
  KvView kv(const ModelShape& model, int layer) const {
    return {memory.as<__nv_bfloat16>() + layer * layer_elems, device_blocks.as<std::int32_t>(),
            kBlockSize, model.n_kv_heads};
  }

  std::vector<AttentionRange> ranges;
  std::vector<std::int32_t> blocks;
  std::int32_t n_tokens = 0;
  std::int64_t layer_elems = 0;
  DeviceBuffer memory, q, out, device_blocks;
};

// A plan on the device, with scratch.
struct Plan {
  Plan(const Pages& pages, const ModelShape& model, const AttentionPlanSizes& given)
      : sizes(given) {
    AttentionPlan plan;
    plan_attention(pages.ranges, sizes, plan);
    segments = to_device(plan.segments);
    starts = to_device(plan.slot_starts);
    const std::int64_t rows =
        std::int64_t{std::max(plan.n_parts, 1)} * model.n_kv_heads * sizes.max_rows;
    parts = DeviceBuffer(rows * model.head_dim * 4, "parts");
    sums = DeviceBuffer(rows * 8, "sums");
    counters = to_device(std::vector<std::int32_t>(
        static_cast<std::size_t>(std::max(plan.n_merges, 1)) * model.n_kv_heads, 0));
  }
  DecodePlanView view() const {
    return {segments.as<AttentionSegment>(),
            starts.as<std::int32_t>(),
            sizes.n_slots,
            sizes.max_rows,
            parts.as<float>(),
            sums.as<float2>(),
            counters.as<std::int32_t>()};
  }

  AttentionPlanSizes sizes;
  DeviceBuffer segments, starts, parts, sums, counters;
};

void bench_decode(double bandwidth, const ModelShape& model, const std::string& what,
                  const std::vector<int>& lengths, int n_new = 1, int split_groups = 0) {
  const DeviceContext context;
  const auto n_positions = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  const double bytes = static_cast<double>(n_positions) * model.n_kv_heads * model.head_dim * 4;
  const int n_layers = std::clamp(static_cast<int>(4e9 / bytes), 4, 64);
  const Pages pages(model, lengths, n_new, n_layers);
  AttentionPlanSizes sizes = decode_plan_sizes(
      context, model.attention(), model.attention().group_size() * n_new > 16 ? 32 : 16);
  sizes.split_groups = split_groups;
  const Plan plan(pages, model, sizes);
  const double us =
      1e6 * seconds_a_launch(context, n_layers, [&](int layer) {
        launch_decode_attention(context, model.attention(), pages.kv(model, layer), plan.view(),
                                pages.q.as<__nv_bfloat16>(), pages.out.as<__nv_bfloat16>());
      });
  std::printf(
      "decode   %-13s %-24s %s %8.2f us a layer %7.3f ms a step %6.0f GB/s, %5.1f %% of %.0f\n",
      model.name, what.c_str(), split_groups > 0 ? "fixed" : "     ", us, us * model.n_layers / 1e3,
      bytes / us / 1e3, bytes / us / 1e3 / bandwidth * 100, bandwidth);
}

void bench_prefill(const ModelShape& model, const std::string& what,
                   const std::vector<int>& lengths, int n_new) {
  const DeviceContext context;
  if (!has_prefill_attention(context, model.head_dim)) return;
  const Pages pages(model, lengths, n_new, 8);
  std::vector<PrefillTile> tiles;
  plan_prefill(pages.ranges, model.attention().group_size(), tiles);
  const DeviceBuffer device_tiles = to_device(tiles);
  double pairs = 0;
  for (const AttentionRange& range : pages.ranges)
    pairs += range.n_tokens * (range.first_position + (range.n_tokens + 1) / 2.0);
  const double us = 1e6 * seconds_a_launch(context, 8, [&](int layer) {
                      launch_prefill_attention(
                          context, model.attention(), pages.kv(model, layer),
                          device_tiles.as<PrefillTile>(), static_cast<std::int32_t>(tiles.size()),
                          pages.q.as<__nv_bfloat16>(), pages.out.as<__nv_bfloat16>());
                    });
  std::printf("prefill  %-13s %-24s       %8.2f us a layer %7.3f ms a step %6.0f TFLOP/s\n",
              model.name, what.c_str(), us, us * model.n_layers / 1e3,
              4.0 * pairs * model.n_heads * model.head_dim / us / 1e6);
}

void bench_rope(const ModelShape& model, int n_tokens) {
  const DeviceContext context;
  const int n_buffers = n_tokens > 100 ? 8 : 64;
  const std::int64_t elems = std::int64_t{n_tokens} * model.n_all_heads() * model.head_dim;
  const DeviceBuffer qkv(elems * 4 * n_buffers, "qkv"), q(elems * 2 * n_buffers, "q");
  const DeviceBuffer table(std::int64_t{n_tokens} * model.head_dim * 4, "table");
  const std::int64_t page_elems =
      std::int64_t{(n_tokens + 63) / 64 * 64} * 2 * model.n_kv_heads * model.head_dim;
  const DeviceBuffer pages(page_elems * 2 * n_buffers, "pages");
  fill_random(qkv, true, 1);
  fill_random(table, true, 2);
  std::vector<std::int32_t> positions(static_cast<std::size_t>(n_tokens));
  std::iota(positions.begin(), positions.end(), 0);
  const DeviceBuffer at = to_device(positions);
  const RopeAndStoreShape shape = {.n_heads = model.n_heads,
                                   .n_kv_heads = model.n_kv_heads,
                                   .head_dim = model.head_dim,
                                   .block_size = kBlockSize};
  const RopeAndStoreInput input = {.positions = at.as<std::int32_t>(),
                                   .slot_mapping = at.as<std::int32_t>(),
                                   .cos = table.as<float>(),
                                   .sin = table.as<float>()};
  const double us =
      1e6 * seconds_a_launch(context, n_buffers, [&](int i) {
        launch_rope_and_store(context, shape, input, n_tokens, qkv.as<float>() + i * elems,
                              q.as<__nv_bfloat16>() + i * elems,
                              pages.as<__nv_bfloat16>() + i * page_elems);
      });
  std::printf("rope     %-13s %6d tokens                  %8.2f us %6.0f GB/s read and written\n",
              model.name, n_tokens, us, static_cast<double>(elems) * 6 / us / 1e3);
}

std::vector<int> ragged(int n, int from, int to) {
  std::mt19937 random(7);
  std::vector<int> lengths;
  for (int i = 0; i < n; ++i)
    lengths.push_back(from + static_cast<int>(random() % static_cast<unsigned>(to - from)));
  return lengths;
}

void bench_all_decode() {
  const double bandwidth = read_bandwidth(DeviceContext());
  constexpr int kSplit = 32;  // groups of fixed splits: 512 positions
  for (const int length : {128, 1024, 4096, 8192, 32768})
    bench_decode(bandwidth, k7B, "1 x " + std::to_string(length), {length});
  for (const int length : {4096, 32768})
    bench_decode(bandwidth, k7B, "1 x " + std::to_string(length), {length}, 1, kSplit);
  bench_decode(bandwidth, k7B, "1 x 4096, 5 new", {4096}, 5);
  for (const int n : {8, 32, 128})
    bench_decode(bandwidth, k7B, std::to_string(n) + " x 1024",
                 std::vector<int>(static_cast<std::size_t>(n), 1024));
  bench_decode(bandwidth, k7B, "128 x 256", std::vector<int>(128, 256));
  bench_decode(bandwidth, k7B, "128 x 1024", std::vector<int>(128, 1024), 1, kSplit);
  std::vector<int> skewed(31, 4096);
  skewed.push_back(131072);
  bench_decode(bandwidth, k7B, "31 x 4096, 1 x 131072", skewed);
  for (const int length : {128, 4096, 32768})
    bench_decode(bandwidth, k05B, "1 x " + std::to_string(length), {length});
  for (const int length : {256, 1024})
    bench_decode(bandwidth, k05B, "256 x " + std::to_string(length), std::vector<int>(256, length));
  bench_decode(bandwidth, k15B, "32 x 1024", std::vector<int>(32, 1024));
  for (const int length : {1024, 32768})
    bench_decode(bandwidth, k06B, "1 x " + std::to_string(length), {length});
  bench_decode(bandwidth, k06B, "64 x 100..2048", ragged(64, 100, 2048));
  bench_decode(bandwidth, k06B, "256 x 100..2048", ragged(256, 100, 2048));
  bench_decode(bandwidth, k06B, "256 x 100..2048", ragged(256, 100, 2048), 1, kSplit);
}

void bench_all_prefill() {
  for (const ModelShape& model : {k7B, k05B, k06B}) {
    for (const int n : {512, 2048, 8192}) bench_prefill(model, "1 x " + std::to_string(n), {n}, n);
    bench_prefill(model, "8 x 256", std::vector<int>(8, 256), 256);
    bench_prefill(model, "512 new of 8192", {8192}, 512);
  }
}

}  // namespace
}  // namespace tinyllm::cuda

int main(int argc, char** argv) {
  using namespace tinyllm::cuda;
  const std::string only = argument(argc, argv, "--only", "all");
  if (only == "all" || only == "decode") bench_all_decode();
  if (only == "all" || only == "prefill") bench_all_prefill();
  for (const int n_tokens : {1, 32, 256, 2048}) {
    if (only == "all" || only == "rope") bench_rope(k7B, n_tokens);
  }
}
