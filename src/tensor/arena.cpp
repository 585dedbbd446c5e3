#include "tensor/arena.h"

#include <algorithm>

#include "base/check.h"

namespace tinyllm {
namespace {

// A chunk is as large as all before it, within these bounds. Untouched pages cost no memory.
constexpr std::int64_t kSmallestChunk = std::int64_t{64} << 10;
constexpr std::int64_t kLargestChunk = std::int64_t{128} << 20;
constexpr std::int64_t kAlignment = 64;

}  // namespace

std::byte* Arena::take(std::int64_t n_bytes) {
  CHECK(n_bytes >= 0, "{} bytes of {}", n_bytes, what_);
  if (chunks_.empty() || chunks_.back().n_bytes() - n_taken_ < n_bytes) {
    std::int64_t n_before = 0;
    for (const Buffer& chunk : chunks_) n_before += chunk.n_bytes();
    const std::int64_t wanted = std::clamp(n_before, kSmallestChunk, kLargestChunk);
    chunks_.emplace_back(std::max(wanted, n_bytes), what_);
    n_taken_ = 0;
  }
  std::byte* piece = chunks_.back().data() + n_taken_;
  n_taken_ += (n_bytes + kAlignment - 1) / kAlignment * kAlignment;
  return piece;
}

}  // namespace tinyllm
