// The ceiling of everything that streams weights: 16-byte reads and a sum.

#include "bench_device.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx.cuh"

namespace tinyllm::cuda {
namespace {

__global__ void read_kernel(const uint4* data, std::int64_t n, unsigned* out) {
  const std::uint64_t policy = evict_first_policy();
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  unsigned sum = 0;
  std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i + 3 * step < n; i += 4 * step) {
    uint4 v[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) v[j] = load_weights_16(data + i + j * step, policy);
#pragma unroll
    for (int j = 0; j < 4; ++j) sum ^= v[j].x ^ v[j].y ^ v[j].z ^ v[j].w;
  }
  if (sum == 0x12345678u) *out = sum;
}

}  // namespace

double read_bandwidth(const DeviceContext& context) {
  const std::int64_t n_bytes = std::int64_t{4} << 30;
  const DeviceBuffer data(n_bytes), out(256);
  fill_random(data, true, 5);
  const double seconds = seconds_a_launch(context, 4, [&](int) {
    launch(context, "read", read_kernel, {dim3(static_cast<unsigned>(context.n_sms() * 8)), dim3(256)},
           data.as<const uint4>(), n_bytes / 16, out.as<unsigned>());
  });
  return static_cast<double>(n_bytes) / seconds / 1e9;
}

}  // namespace tinyllm::cuda
