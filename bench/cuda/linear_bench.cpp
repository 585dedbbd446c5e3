// launch_linear over the products of real models: time, share of the read bandwidth, best tuning.
//   cuda_linear_bench [--shapes 7b] [--format bf16] [--sweep 0|1]     names that begin so; all

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench_device.h"
#include "kernels/cuda/linear.h"

namespace tinyllm::cuda {
namespace {

struct Shape {
  const char* name;
  int rows, cols;
  bool gate, normed, add;
};

constexpr Shape kShapes[] = {
    {"0.5b qkv", 1152, 896, false, true, false},
    {"0.5b o", 896, 896, false, false, true},
    {"0.5b gate_up", 9728, 896, true, true, false},
    {"0.5b down", 896, 4864, false, false, true},
    {"1.5b qkv", 2048, 1536, false, true, false},
    {"1.5b gate_up", 17920, 1536, true, true, false},
    {"1.5b down", 1536, 8960, false, false, true},
    {"7b qkv", 4608, 3584, false, true, false},
    {"7b o", 3584, 3584, false, false, true},
    {"7b gate_up", 37888, 3584, true, true, false},
    {"7b down", 3584, 18944, false, false, true},
    {"7b head", 152064, 3584, false, true, false},
};
constexpr const char* kNames[] = {"bf16", "int8", "int8_k", "int8_min", "int4", "int4_k"};

struct Bench {
  DeviceContext context;
  double bandwidth = 0;
  DeviceBuffer x{std::int64_t{64} * 19200 * 2}, hidden{std::int64_t{64} * 3584 * 4}, norm{3584 * 4};
  DeviceBuffer out{std::int64_t{64} * 152064 * 4}, gated{std::int64_t{64} * 19200 * 2};

  double time(const Shape& shape, WeightFormat format, const DeviceBuffer& weights,
              std::int64_t bytes, int copies, int n, const LinearTuning& tuning) {
    LinearWeights w{format, nullptr, shape.rows, shape.cols, shape.rows};
    LinearInput input;
    if (shape.normed && n <= 8) {
      input.hidden = hidden.as<float>();
      input.norm = norm.as<float>();
      input.stride = shape.cols;
    } else {
      input.x = x.as<__nv_bfloat16>();
      input.stride = padded_to(shape.cols, 128);
    }
    LinearOutput output;
    output.epilogue = shape.gate  ? LinearEpilogue::gate
                      : shape.add ? LinearEpilogue::add
                                  : LinearEpilogue::store;
    output.out = out.as<float>();
    output.gated = gated.as<__nv_bfloat16>();
    output.stride = shape.gate ? shape.rows / 2 : shape.rows;
    return seconds_a_launch(context, 3 * copies, [&](int i) {
      w.data = weights.data() + bytes * (i % copies);
      launch_linear(context, w, input, n, output, tuning);
    });
  }

  void row(const Shape& shape, WeightFormat format, bool sweep) {
    const std::int64_t bytes = padded_to(matrix_bytes(format, shape.rows, shape.cols), 256);
    const int copies = static_cast<int>(std::max<std::int64_t>(2, (std::int64_t{400} << 20) / bytes));
    const int used = std::min(copies, 64);
    const DeviceBuffer weights(bytes * used);
    fill_random(weights, format == WeightFormat::bf16, 7);
    std::printf("%-13s %-8s", shape.name, kNames[static_cast<int>(format)]);
    for (const int n : {1, 2, 4, 8, 16, 32, 64}) {
      const double t = time(shape, format, weights, bytes, used, n, {});
      std::printf(" | %d: %7.2f us %3.0f%%", n, t * 1e6,
                  100 * static_cast<double>(bytes) / t / 1e9 / bandwidth);
    }
    std::printf("\n");
    if (!sweep) return;
    for (const int n : {1, 8, 32}) {
      std::printf("    n %d:", n);
      for (const int k_warps : {8, 4, 2}) {
        for (const int cluster : {1, 2, 4, 8}) {
          for (const int m_tiles : {1, 2}) {
            for (const int per_sm : {1, 2, 3, 4}) {
              if (m_tiles == 2 && (block_info(format).bits == 8 || n > 8)) continue;
              if (cluster > 1 && per_sm < 2) continue;
              const LinearTuning tuning{k_warps, 8 / k_warps, m_tiles, cluster, per_sm};
              const double t = time(shape, format, weights, bytes, used, n, tuning);
              std::printf(" k%dc%dm%db%d %.2f", k_warps, cluster, m_tiles, per_sm, t * 1e6);
            }
          }
        }
      }
      std::printf("\n");
    }
    std::fflush(stdout);
  }
};

}  // namespace
}  // namespace tinyllm::cuda

int main(int argc, char** argv) {
  using namespace tinyllm::cuda;
  Bench bench;
  for (const DeviceBuffer* buffer : {&bench.x, &bench.hidden, &bench.norm, &bench.out})
    fill_random(*buffer, true, 3);
  bench.bandwidth = read_bandwidth(bench.context);
  std::printf("%s: read %.0f GB/s\n", bench.context.name().c_str(), bench.bandwidth);
  const bool sweep = std::atoi(argument(argc, argv, "--sweep", "0")) != 0;
  const std::string_view only = argument(argc, argv, "--shapes", "");
  const std::string_view format_name = argument(argc, argv, "--format", "");
  for (const Shape& shape : kShapes) {
    if (!std::string_view(shape.name).starts_with(only)) continue;
    for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::int8, WeightFormat::int8_k,
                                      WeightFormat::int4, WeightFormat::int4_k}) {
      if (!std::string_view(kNames[static_cast<int>(format)]).starts_with(format_name)) continue;
      if (shape.cols % block_info(format).columns != 0) continue;
      if (shape.rows > 100000 && format >= WeightFormat::int4) continue;
      bench.row(shape, format, sweep);
    }
  }
  return 0;
}
