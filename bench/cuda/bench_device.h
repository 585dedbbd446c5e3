#pragma once
// How kernels are timed: a graph of launches over buffers that together do not fit in the L2
// cache, replayed, and the median taken. The ceilings of the same run stand beside every figure.

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/cuda/device_context.h"
#include "kernels/cuda/device_memory.h"

namespace tinyllm::cuda {

// Seconds of one of the n launches that `record` makes on the context's stream, median of 7
// replays.
double seconds_a_launch(const DeviceContext& context, int n,
                        const std::function<void(int i)>& record);

// Random bytes; of_bf16: pairs that are finite bf16 numbers about 0.01.
void fill_random(const DeviceBuffer& buffer, bool of_bf16, std::uint64_t seed);

// Normal numbers: bf16, or f32 of that spread.
void fill_normal_bf16(const DeviceBuffer& buffer, std::uint64_t seed);
void fill_normal_f32(const DeviceBuffer& buffer, float spread, std::uint64_t seed);

// GB/s of reading 4 GiB.
double read_bandwidth(const DeviceContext& context);

// The argument after `name`, or `otherwise`.
const char* argument(int argc, char** argv, const char* name, const char* otherwise);

}  // namespace tinyllm::cuda
