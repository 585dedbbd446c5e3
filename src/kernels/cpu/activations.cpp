#include "kernels/cpu/activations.h"

#include <algorithm>
#include <bit>

#include "quant/tile_format.h"

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

Activations::Activations(std::int64_t max_rows, std::int64_t n_cols)
    : stride_((n_cols + kTileCols - 1) / kTileCols * kTileCols),
      values_(max_rows * stride_ * 4, "activations"),
      split_(static_cast<std::size_t>((max_rows + kMaxPanelTokens - 1) / kMaxPanelTokens *
                                      (stride_ / 32))) {
  bytes_ = Buffer(max_rows * bytes_of_row(stride_), "activations");
  std::ranges::fill(values_.as<float>(), 0.0f);
  for (std::int64_t t = 0; t < max_rows; ++t) {
    std::byte* at = bytes_.data() + t * bytes_of_row(stride_);
    rows_.push_back(take_row(at, stride_));
  }
}

void Activations::find_split(std::int64_t n_rows) {
  std::ranges::fill(split_, SplitTokens{});
  for (std::int64_t t = 0; t < n_rows; ++t) {
    const QuantisedRow& row = rows_[static_cast<std::size_t>(t)];
    const std::int64_t first = t / kMaxPanelTokens * (stride_ / 32), i = t % kMaxPanelTokens;
    for (std::int64_t block = 0; block < (stride_ + 255) / 256; ++block) {
      for (unsigned bits = row.split[block]; bits != 0; bits &= bits - 1) {
        const auto group = static_cast<std::size_t>(first + 8 * block + std::countr_zero(bits));
        split_[group].words[i / 64] |= std::uint64_t{1} << i % 64;
      }
    }
  }
}

}  // namespace tinyllm
