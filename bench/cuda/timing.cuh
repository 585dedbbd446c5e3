#pragma once
// How the CUDA bench programs time: a graph of many launches over different buffers, larger together
// than L2, replayed; the median of the replays. Beside every figure stands the read bandwidth of the
// same run. Random data always: zeros run faster.

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "kernels/cuda/device_context.h"
#include "kernels/cuda/device_memory.h"

namespace tinyllm::cuda {

// Microseconds of one call of work(), which launches on the context's stream.
inline double time_us(const DeviceContext& context, const std::function<void()>& work,
                      int n_replays = 20) {
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  work();  // modules load, attributes are set
  context.synchronise();
  check(cudaStreamBeginCapture(context.stream(), cudaStreamCaptureModeThreadLocal), "capture");
  work();
  check(cudaStreamEndCapture(context.stream(), &graph), "capture");
  check(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "event");
  check(cudaEventCreate(&end), "event");
  std::vector<float> times;
  for (int i = 0; i < n_replays + 2; ++i) {
    check(cudaEventRecord(begin, context.stream()), "record");
    check(cudaGraphLaunch(executable, context.stream()), "replay");
    check(cudaEventRecord(end, context.stream()), "record");
    check(cudaEventSynchronize(end), "replay");
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin, end), "time");
    if (i >= 2) times.push_back(ms);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  std::ranges::nth_element(times, times.begin() + n_replays / 2);
  return times[static_cast<std::size_t>(n_replays / 2)] * 1000.0;
}

// Fills device memory with normal bf16 or f32 numbers.
template <typename T, typename Convert>
void fill_random(T* data, std::int64_t n, unsigned seed, const Convert& convert) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<T> values(static_cast<std::size_t>(std::min<std::int64_t>(n, (4 << 20) + 12345)));
  for (T& value : values) value = convert(normal(random));
  std::int64_t done = std::ssize(values);
  check(cudaMemcpy(data, values.data(), static_cast<std::size_t>(done) * sizeof(T), cudaMemcpyHostToDevice), "fill");
  while (done < n) {
    const std::int64_t count = std::min(done, n - done);
    check(cudaMemcpy(data + done, data, static_cast<std::size_t>(count) * sizeof(T), cudaMemcpyDeviceToDevice), "fill");
    done += count;
  }
}

__global__ void read_all_kernel(const uint4* data, std::int64_t n, unsigned* sink) {
  unsigned sum = 0;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i + 3 * step < n; i += 4 * step) {
    const uint4 a = __ldcs(data + i), b = __ldcs(data + i + step), c = __ldcs(data + i + 2 * step),
                d = __ldcs(data + i + 3 * step);
    sum += a.x ^ a.y ^ a.z ^ a.w ^ b.x ^ b.y ^ b.z ^ b.w ^ c.x ^ c.y ^ c.z ^ c.w ^ d.x ^ d.y ^ d.z ^ d.w;
  }
  for (; i < n; i += step) sum += data[i].x;
  if (sum == 0x12345678) *sink = sum;
}

// GB/s of reading 8 GiB.
inline double read_bandwidth(const DeviceContext& context) {
  const std::int64_t n_bytes = std::int64_t{8} << 30;
  const DeviceBuffer buffer(n_bytes, "bench"), sink(256, "bench");
  fill_random(buffer.as<float>(), n_bytes / 4, 1, [](float x) { return x; });
  const double us = time_us(context, [&] {
    read_all_kernel<<<context.n_sms() * 16, 512, 0, context.stream()>>>(
        buffer.as<uint4>(), n_bytes / 16, sink.as<unsigned>());
  }, 5);
  return static_cast<double>(n_bytes) / us / 1e3;
}

}  // namespace tinyllm::cuda
