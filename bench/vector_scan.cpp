// How long the exact search over vectors of bytes takes: rows of 384 numbers, the best of some
// hundred queries and their median.
//
// usage: vector_scan [ROWS [THREADS]]

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "base/clock.h"
#include "kernels/cpu/pick_isa.h"
#include "retrieval/vector_table.h"

int main(int argc, char** argv) {
  using namespace tinyllm;
  constexpr std::int64_t kDims = 384;
  constexpr int kQueries = 300;
  const long n_rows = argc > 1 ? std::atol(argv[1]) : 100'000;
  ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : default_thread_count());
  std::minstd_rand random(1);
  VectorTable table(kDims);
  table.reserve(static_cast<std::size_t>(n_rows));
  std::vector<std::int8_t> row(kDims);
  for (long i = 0; i < n_rows; ++i) {
    for (std::int8_t& value : row) value = static_cast<std::int8_t>(random() >> 8);
    table.add(0.01f, row);
  }
  std::vector<float> query(kDims);
  for (const std::string_view isa : available_isas()) {
    std::vector<double> milliseconds;
    for (int i = 0; i < kQueries; ++i) {
      for (float& value : query) value = static_cast<float>(random() % 2001) - 1000.0f;
      const Stopwatch clock;
      table.nearest(query, 10, {}, pool, row_kernels(isa));
      milliseconds.push_back(clock.seconds() * 1e3);
    }
    std::ranges::sort(milliseconds);
    fmt::print("{:<11} {} rows, {} threads: best {:.2f} ms, median {:.2f} ms, {:.1f} GB/s at best\n",
               isa, n_rows, pool.n_workers(), milliseconds.front(), milliseconds[kQueries / 2],
               static_cast<double>(n_rows * kDims) / milliseconds.front() / 1e6);
  }
  return 0;
}
