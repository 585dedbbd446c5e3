#include "kernels/cpu/activations.h"

#include <algorithm>
#include <bit>
#include <utility>

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

Activations::Activations(std::int64_t max_rows, std::int64_t n_cols)
    : stride_((n_cols + kTileCols - 1) / kTileCols * kTileCols),
      values_(max_rows * stride_ * 4, "activations"),
      bytes_(max_rows * bytes_of_row(stride_), "activations"),
      first_((max_rows + kMaxPanelTokens - 1) / kMaxPanelTokens * (stride_ / 32 + 1) * 4,
             "activations"),
      groups_(max_rows * (stride_ / 32) * static_cast<std::int64_t>(sizeof(ResidualGroup)),
              "activations") {
  std::ranges::fill(values_.as<float>(), 0.0f);
  for (std::int64_t t = 0; t < max_rows; ++t) {
    std::byte* at = bytes_.data() + t * bytes_of_row(stride_);
    rows_.push_back(take_row(at, stride_));
  }
  const std::int64_t n_tiles = stride_ / 32;
  for (std::int64_t row = 0; row < max_rows; row += kMaxPanelTokens) {
    residuals_.push_back({first_.as<std::int32_t>().data() + row / kMaxPanelTokens * (n_tiles + 1),
                          groups_.as<ResidualGroup>().data() + row * n_tiles});
  }
}

void Activations::collect_residuals(std::int64_t block, std::int64_t n_rows) {
  const std::int64_t n_tiles = stride_ / 32, begin = block * kMaxPanelTokens;
  const std::int64_t n = std::min(kMaxPanelTokens, n_rows - begin);
  const QuantisedRow* rows = rows_.data() + begin;
  const auto for_each_split = [&](auto&& each) {
    for (std::int64_t t = 0; t < n; ++t) {
      for (std::int64_t byte = 0; byte < (n_tiles + 7) / 8; ++byte) {
        for (unsigned bits = rows[t].split[byte]; bits != 0; bits &= bits - 1)
          each(t, 8 * byte + std::countr_zero(bits));
      }
    }
  };
  // first[tile + 1] counts the tile's groups, then it is where the next of them goes, and so in
  // the end where the next tile's begin.
  std::int32_t* first = first_.as<std::int32_t>().data() + block * (n_tiles + 1);
  std::fill_n(first, n_tiles + 1, 0);
  for_each_split([&](std::int64_t, std::int64_t tile) { ++first[tile + 1]; });
  std::int32_t n_before = 0;
  for (std::int64_t tile = 0; tile < n_tiles; ++tile)
    n_before += std::exchange(first[tile + 1], n_before);
  ResidualGroup* groups = groups_.as<ResidualGroup>().data() + begin * n_tiles;
  for_each_split([&](std::int64_t t, std::int64_t tile) {
    const QuantPlane& plane = rows[t].residual;
    ResidualGroup& group = groups[first[tile + 1]++];
    std::copy_n(plane.q + 32 * tile, 32, group.q);
    group.scale = plane.scale[tile];
    std::copy_n(plane.sum + 2 * tile, 2, group.sum);
    group.token = static_cast<std::int32_t>(t);
  });
}

}  // namespace tinyllm
