#include "bench_device.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string_view>

#include "tensor/float16.h"

namespace tinyllm::cuda {

double seconds_a_launch(const DeviceContext& context, int n,
                        const std::function<void(int i)>& record) {
  const cudaStream_t stream = context.stream();
  record(0);  // loads the module, sets attributes
  context.synchronise();
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
  for (int i = 0; i < n; ++i) record(i);
  check(cudaStreamEndCapture(stream, &graph), "capture");
  check(cudaGraphInstantiate(&executable, graph, 0), "graph");
  cudaEvent_t begin = nullptr, end = nullptr;
  check(cudaEventCreate(&begin), "event");
  check(cudaEventCreate(&end), "event");
  std::vector<float> ms;
  for (int run = 0; run < 9; ++run) {
    check(cudaEventRecord(begin, stream), "event");
    check(cudaGraphLaunch(executable, stream), "graph");
    check(cudaEventRecord(end, stream), "event");
    check(cudaEventSynchronize(end), "event");
    float t = 0;
    check(cudaEventElapsedTime(&t, begin, end), "event");
    if (run >= 2) ms.push_back(t);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  std::ranges::nth_element(ms, ms.begin() + 3);
  return static_cast<double>(ms[3]) / 1e3 / n;
}

void fill_random(const DeviceBuffer& buffer, bool of_bf16, std::uint64_t seed) {
  const auto n = static_cast<std::size_t>(
      std::min<std::int64_t>((buffer.n_bytes() + 7) / 8, std::int64_t{2} << 20));
  std::vector<std::uint64_t> words(n);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (std::uint64_t& word : words) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    word = of_bf16 ? (state & 0x80FF80FF80FF80FFu) | 0x3C003C003C003C00u : state;
  }
  for (std::int64_t at = 0; at < buffer.n_bytes(); at += static_cast<std::int64_t>(n) * 8) {
    const auto bytes = static_cast<std::size_t>(
        std::min<std::int64_t>(static_cast<std::int64_t>(n) * 8, buffer.n_bytes() - at));
    check(cudaMemcpy(buffer.data() + at, words.data(), bytes, cudaMemcpyHostToDevice), "fill");
  }
}

namespace {

// A piece of random numbers from the host, then copies of it on the device.
template <typename T>
void fill_with_copies(const DeviceBuffer& buffer, const std::vector<T>& values) {
  const auto piece = std::min<std::int64_t>(static_cast<std::int64_t>(values.size() * sizeof(T)),
                                            buffer.n_bytes());
  check(cudaMemcpy(buffer.data(), values.data(), static_cast<std::size_t>(piece),
                   cudaMemcpyHostToDevice),
        "fill");
  for (std::int64_t done = piece; done < buffer.n_bytes();) {
    const std::int64_t n = std::min(done, buffer.n_bytes() - done);
    check(cudaMemcpy(buffer.data() + done, buffer.data(), static_cast<std::size_t>(n),
                     cudaMemcpyDeviceToDevice),
          "fill");
    done += n;
  }
  check(cudaDeviceSynchronize(), "fill");
}

constexpr std::size_t kNormals = (std::size_t{4} << 20) + 12345;  // no multiple of a row

}  // namespace

void fill_normal_bf16(const DeviceBuffer& buffer, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> values(kNormals);
  for (std::uint16_t& value : values) value = f32_to_bf16(normal(random));
  fill_with_copies(buffer, values);
}

void fill_normal_f32(const DeviceBuffer& buffer, float spread, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0f, spread);
  std::vector<float> values(kNormals);
  for (float& value : values) value = normal(random);
  fill_with_copies(buffer, values);
}

const char* argument(int argc, char** argv, const char* name, const char* otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == name) return argv[i + 1];
  }
  return otherwise;
}

}  // namespace tinyllm::cuda
