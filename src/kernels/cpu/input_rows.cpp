#include "kernels/cpu/input_rows.h"

#include <algorithm>

#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm {
namespace {

std::int64_t whole_lines(std::int64_t n_bytes) { return (n_bytes + 63) / 64 * 64; }

// Takes n elements from a block of memory, each array at a cache line.
template <typename T>
T* take(std::byte*& at, std::int64_t n) {
  T* array = reinterpret_cast<T*>(at);
  at += whole_lines(n * static_cast<std::int64_t>(sizeof(T)));
  return array;
}

QuantPlane take_plane(std::byte*& at, std::int64_t k) {
  return {take<std::int8_t>(at, k), take<float>(at, k / 32), take<std::int16_t>(at, k / 16)};
}

std::int64_t bytes_of_row(std::int64_t k) {
  const std::int64_t plane = whole_lines(k) + 2 * whole_lines(k / 8);
  return 2 * plane + whole_lines((k + 255) / 256) + whole_lines(k / 8);
}

// One row's arrays, from `at` on.
QuantisedRow take_row(std::byte*& at, std::int64_t k) {
  QuantisedRow row{};
  row.main = take_plane(at, k);
  row.residual = take_plane(at, k);
  row.split = take<std::uint8_t>(at, (k + 255) / 256);
  row.scaled_sum = take<float>(at, k / 32);
  return row;
}

}  // namespace

InputRows::InputRows(std::int64_t max_rows, std::int64_t n_cols)
    : stride_(whole_tiles(n_cols)),
      values_(max_rows * stride_ * 4, "activations"),
      rounded_(max_rows * stride_ * 2, "activations"),
      bytes_(max_rows * bytes_of_row(stride_), "activations") {
  std::ranges::fill(values_.as<float>(), 0.0f);
  std::byte* at = bytes_.data();
  for (std::int64_t t = 0; t < max_rows; ++t) quantised_.push_back(take_row(at, stride_));
}

}  // namespace tinyllm
