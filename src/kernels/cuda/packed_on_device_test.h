#pragma once
// What tests of products stand on: packed weights and rows of activations on the device, and their
// values as the device reads them.

#include <memory>
#include <random>
#include <span>
#include <vector>

#include "kernels/cuda/device_array_test.h"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/packed_weights.h"
#include "kernels/cuda/random_weights_test.h"
#include "tensor/float16.h"

namespace tinyllm::cuda {

inline constexpr std::int64_t kReadableRows = 64;

inline std::vector<float> random_floats(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

// A packed matrix on the device, and its values as the device reads them.
struct PackedOnDevice {
  PackedOnDevice(std::span<const Tensor> parts, PartOrder order)
      : plan(plan_weights(parts, order)), bytes(pack(parts)), device(bytes) {
    const WeightSection& section = plan.sections[0];
    weights = {section.format, device.data(), static_cast<std::int32_t>(section.n_rows),
               static_cast<std::int32_t>(plan.n_cols),
               static_cast<std::int32_t>(section.n_padded_rows)};
  }
  std::vector<std::byte> pack(std::span<const Tensor> parts) const {
    std::vector<std::byte> packed(static_cast<std::size_t>(plan.n_bytes));
    ThreadPool pool(2);
    pack_weights(parts, plan, packed.data(), pool);
    return packed;
  }
  double value(std::int64_t row, std::int64_t col) const {
    return static_cast<double>(unpack_weight(weights.format, bytes.data(), row, col, plan.n_cols));
  }

  WeightPlan plan;
  std::vector<std::byte> bytes;
  DeviceArray<std::byte> device;
  LinearWeights weights;
};

// x [kReadableRows or more, stride] bf16 on the device; columns beyond n_cols are zero.
struct Rows {
  Rows(std::int64_t n, std::int64_t n_cols, std::uint64_t seed)
      : stride(padded_to(n_cols, 128)),
        bits(static_cast<std::size_t>(padded_to(n, kReadableRows) * stride)) {
    const std::vector<float> values = random_floats(static_cast<std::size_t>(n * n_cols), seed);
    for (std::int64_t b = 0; b < n; ++b) {
      for (std::int64_t k = 0; k < n_cols; ++k)
        bits[static_cast<std::size_t>(b * stride + k)] =
            f32_to_bf16(values[static_cast<std::size_t>(b * n_cols + k)]);
    }
    device = std::make_unique<DeviceArray<std::uint16_t>>(bits);
  }
  LinearInput input() const {
    LinearInput input;
    input.x = reinterpret_cast<const __nv_bfloat16*>(device->data());
    input.stride = stride;
    return input;
  }
  double value(std::int64_t b, std::int64_t k) const {
    return static_cast<double>(bf16_to_f32(bits[static_cast<std::size_t>(b * stride + k)]));
  }

  std::int64_t stride;
  std::vector<std::uint16_t> bits;
  std::unique_ptr<DeviceArray<std::uint16_t>> device;
};

}  // namespace tinyllm::cuda
