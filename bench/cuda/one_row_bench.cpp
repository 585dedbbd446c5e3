// launch_one_row over the layers of real models: time of a token, share of the read bandwidth.
//   cuda_one_row_bench [--shapes 7b] [--format bf16] [--sweep 0|1]     names that begin so; all

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench_device.h"
#include "bench_models.h"
#include "kernels/cuda/one_row_step.h"

namespace tinyllm::cuda {
namespace {

struct Shape {
  const char* name;
  int n_layers, hidden_size, intermediate_size, n_heads, n_kv_heads, head_dim;
};
constexpr Shape kShapes[] = {
    {"0.5b", 24, 896, 4864, 14, 2, 64},
    {"0.6b", 28, 1024, 3072, 16, 8, 128},
    {"1.5b", 28, 1536, 8960, 12, 2, 128},
    {"7b", 28, 3584, 18944, 28, 4, 128},
};
constexpr const char* kNames[] = {"bf16", "int8", "int8_k", "int8_min", "int4", "int4_k"};

struct Bench {
  DeviceContext context;
  double bandwidth = 0;

  OneRowShape shape_of(const Shape& s) const {
    OneRowShape shape;
    shape.n_layers = s.n_layers;
    shape.hidden_size = s.hidden_size;
    shape.intermediate_size = s.intermediate_size;
    shape.n_heads = s.n_heads;
    shape.n_kv_heads = s.n_kv_heads;
    shape.head_dim = s.head_dim;
    shape.block_size = 16;
    shape.attention_scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim));
    return shape;
  }

  void run(const Shape& s, WeightFormat format, bool sweep) {
    OneRowShape shape = shape_of(s);
    shape.format = format;
    const int q = s.n_heads * s.head_dim, kv = s.n_kv_heads * s.head_dim;
    const auto bytes_of = [&](int rows, int cols) {
      return padded_to(matrix_bytes(format, rows, cols), 256);
    };
    const std::int64_t sizes[kNumOneRowProducts] = {
        bytes_of(q + 2 * kv, s.hidden_size), bytes_of(s.hidden_size, q),
        bytes_of(2 * s.intermediate_size, s.hidden_size),
        bytes_of(s.hidden_size, s.intermediate_size)};
    const std::int64_t a_layer = sizes[0] + sizes[1] + sizes[2] + sizes[3];
    const DeviceBuffer weights(a_layer * s.n_layers);
    fill_random(weights, format == WeightFormat::bf16, 7);
    const std::int64_t page_elems = std::int64_t{kMaxOneRowPosition} * 2 * kv;
    const DeviceBuffer pages(page_elems * s.n_layers * 2), vectors(std::int64_t{256} * 8192 * 4);
    fill_random(pages, true, 3);
    fill_normal_f32(vectors, 1.0f, 5);
    std::vector<OneRowLayer> layers(static_cast<std::size_t>(s.n_layers));
    for (int l = 0; l < s.n_layers; ++l) {
      OneRowLayer& layer = layers[static_cast<std::size_t>(l)];
      const std::byte* at = weights.data() + a_layer * l;
      layer.matrices[kQkv] = at;
      layer.matrices[kO] = at + sizes[0];
      layer.matrices[kGateUp] = at + sizes[0] + sizes[1];
      layer.matrices[kDown] = at + sizes[0] + sizes[1] + sizes[2];
      layer.input_norm = layer.post_norm = vectors.as<float>() + l * 8192;
      layer.pages = pages.as<__nv_bfloat16>() + page_elems * l;
    }
    const DeviceBuffer device_layers = to_device(layers);
    std::vector<std::int32_t> blocks(kMaxOneRowPosition / 16);
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::int32_t>(i);
    const DeviceBuffer device_blocks = to_device(blocks), zero = zeroed(64, "bench");
    const DeviceBuffer hidden = zeroed(1 << 16, "bench"), attended = zeroed(1 << 16, "bench"),
                       gated = zeroed(1 << 18, "bench"),
                       scratch = zeroed(one_row_scratch_floats(context, shape) * 4, "bench");
    OneRowBuffers buffers;
    buffers.layers = device_layers.as<OneRowLayer>();
    buffers.cos = buffers.sin = vectors.as<float>();
    buffers.hidden = hidden.as<float>();
    buffers.attended = attended.as<__nv_bfloat16>();
    buffers.gated = gated.as<__nv_bfloat16>();
    buffers.scratch = scratch.as<float>();
    buffers.slot_mapping = buffers.block_begins = zero.as<std::int32_t>();
    buffers.blocks = device_blocks.as<std::int32_t>();
    const OneRowPlan plan = plan_one_row(context, shape);
    std::printf("%-8s %-7s %2d warps %2d stages %3d KB", s.name, kNames[static_cast<int>(format)],
                plan.n_warps, plan.n_stages, plan.shared_bytes >> 10);
    if (plan.n_warps == 0) return;
    const auto time = [&](const OneRowPlan& with, int position) {
      const DeviceBuffer positions = to_device(std::vector<std::int32_t>{position});
      buffers.positions = positions.as<std::int32_t>();
      return seconds_a_launch(context, 3,
                              [&](int) { launch_one_row(context, shape, with, buffers); });
    };
    const double bytes = static_cast<double>(a_layer) * s.n_layers;
    for (const int position : {0, 200, 1000, 4000}) {
      const double t = time(plan, position);
      std::printf(" | %4d: %7.1f us %3.0f%%", position, t * 1e6, 100 * bytes / t / 1e9 / bandwidth);
    }
    std::printf("\n");
    for (const int n_warps : {8, 12}) {
      for (const int n_splits : {1, 2, 4, 8}) {
        if (!sweep || (n_splits == 8 && n_warps == 12)) continue;
        OneRowPlan with = plan;
        with.n_warps = n_warps;
        with.n_stages = std::min(24, plan.n_stages * plan.n_warps / n_warps);
        with.units_a_layer = 0;
        for (int i = 0; i < kNumOneRowProducts; ++i) {
          OneRowPlan::Product& p = with.products[i];
          if (n_splits < 8 && i != kGateUp) p.n_splits = n_splits;
          p.first_unit = with.units_a_layer;
          with.units_a_layer += p.n_tiles * p.n_splits;
        }
        std::printf("   w%d s%d: %.1f", n_warps, n_splits, time(with, 200) * 1e6);
      }
    }
    if (sweep) std::printf("\n");
    std::fflush(stdout);
  }
};

}  // namespace
}  // namespace tinyllm::cuda

int main(int argc, char** argv) {
  using namespace tinyllm::cuda;
  Bench bench;
  bench.bandwidth = read_bandwidth(bench.context);
  std::printf("%s: read %.0f GB/s\n", bench.context.name().c_str(), bench.bandwidth);
  const bool sweep = std::atoi(argument(argc, argv, "--sweep", "0")) != 0;
  const std::string_view only = argument(argc, argv, "--shapes", "");
  const std::string_view format_name = argument(argc, argv, "--format", "");
  for (const Shape& shape : kShapes) {
    if (!std::string_view(shape.name).starts_with(only)) continue;
    for (const WeightFormat format :
         {WeightFormat::bf16, WeightFormat::int8, WeightFormat::int4, WeightFormat::int4_k}) {
      if (!std::string_view(kNames[static_cast<int>(format)]).starts_with(format_name)) continue;
      bench.run(shape, format, sweep);
    }
  }
  return 0;
}
