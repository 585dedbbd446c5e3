#include "apps/read_bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>

#include "base/available_memory.h"
#include "base/clock.h"
#include "base/fetch_ahead.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kLeastBytes = std::int64_t{256} << 20;
constexpr std::int64_t kChunkBytes = std::int64_t{1} << 20;

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

BandwidthProbe::BandwidthProbe(ThreadPool& pool) : pool_(pool), n_bytes_(uncached_bytes()) {}

double BandwidthProbe::seconds_of_a_pass(const Buffer& buffer) {
  const std::span<const std::uint64_t> words = buffer.as<std::uint64_t>();
  constexpr auto kChunkWords = static_cast<std::size_t>(kChunkBytes / 8);
  std::atomic<std::uint64_t> sum{0};  // keeps the reads from being left out
  const Stopwatch clock;
  pool_.parallel_for(n_bytes_ / kChunkBytes, 4, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin) * kChunkWords;
    const auto n_words = static_cast<std::size_t>(end - begin) * kChunkWords;
    sum.fetch_add(sum_of(words.subspan(first, n_words)), std::memory_order_relaxed);
  });
  return clock.seconds();
}

void BandwidthProbe::read_for(double seconds) {
  Buffer buffer(n_bytes_, "bandwidth probe");
  pool_.parallel_for(n_bytes_ / kChunkBytes, 16, [&](std::int64_t begin, std::int64_t end) {
    std::memset(buffer.data() + begin * kChunkBytes, 1,
                static_cast<std::size_t>((end - begin) * kChunkBytes));
  });
  double spent = 0;
  do {
    const double pass = seconds_of_a_pass(buffer);
    spent += pass;
    total_s_ += pass;
    best_s_ = n_passes_++ == 0 ? pass : std::min(best_s_, pass);
  } while (spent < seconds);
}

ReadBandwidth BandwidthProbe::bandwidth() const {
  const auto n_bytes = static_cast<double>(n_bytes_);
  return {n_bytes * static_cast<double>(n_passes_) / total_s_, n_bytes / best_s_};
}

ReadBandwidth measure_read_bandwidth(ThreadPool& pool) {
  BandwidthProbe probe(pool);
  probe.read_for(kProbeSeconds);
  return probe.bandwidth();
}

}  // namespace tinyllm
