#include "apps/read_bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>

#include "base/available_memory.h"
#include "base/clock.h"
#include "base/fetch_ahead.h"
#include "tensor/buffer.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kLeastBytes = std::int64_t{256} << 20;
constexpr std::int64_t kChunkBytes = std::int64_t{1} << 20;
constexpr int kPasses = 5;

// Eight sums in registers (g++ leaves a loop over them in memory), so that no addition waits for
// the one before it. Fetched ahead as the kernels do.
std::uint64_t sum_of(std::span<const std::uint64_t> words) {
  std::uint64_t sums[8] = {};
  const std::size_t ahead = static_cast<std::size_t>(kFetchAhead) / sizeof(std::uint64_t);
  for (std::size_t i = 0; i + 8 <= words.size(); i += 8) {
    __builtin_prefetch(words.data() + i + ahead);
#pragma GCC unroll 8
    for (std::size_t j = 0; j < 8; ++j) sums[j] += words[i + j];
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t part : sums) sum += part;
  return sum;
}

}  // namespace

std::int64_t uncached_bytes() {
  const std::int64_t cache = std::max<std::int64_t>(0, ::sysconf(_SC_LEVEL3_CACHE_SIZE));
  const std::int64_t most = std::max(kLeastBytes, available_memory_bytes() / 4);
  return std::clamp(2 * cache, kLeastBytes, most) / kChunkBytes * kChunkBytes;
}

double measure_read_bandwidth(ThreadPool& pool) {
  Buffer buffer(uncached_bytes(), "bandwidth probe");
  const std::int64_t n_chunks = buffer.n_bytes() / kChunkBytes;
  pool.parallel_for(n_chunks, 16, [&](std::int64_t begin, std::int64_t end) {
    std::memset(buffer.data() + begin * kChunkBytes, 1,
                static_cast<std::size_t>((end - begin) * kChunkBytes));
  });
  const std::span<const std::uint64_t> words = buffer.as<std::uint64_t>();
  constexpr auto kChunkWords = static_cast<std::size_t>(kChunkBytes / 8);
  std::atomic<std::uint64_t> sum{0};  // keeps the reads from being left out
  double best_s = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const Stopwatch clock;
    pool.parallel_for(n_chunks, 4, [&](std::int64_t begin, std::int64_t end) {
      const auto first = static_cast<std::size_t>(begin) * kChunkWords;
      const auto n_words = static_cast<std::size_t>(end - begin) * kChunkWords;
      sum.fetch_add(sum_of(words.subspan(first, n_words)), std::memory_order_relaxed);
    });
    const double seconds = clock.seconds();
    best_s = pass == 0 ? seconds : std::min(best_s, seconds);
  }
  return static_cast<double>(buffer.n_bytes()) / best_s;
}

}  // namespace tinyllm
