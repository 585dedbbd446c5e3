#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <string>

#include "base/check.h"

namespace tinyllm {
namespace {

void relax_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns when `value` differs from `old`: spins for 50 us, then sleeps in the kernel.
void wait_while_equal(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
  while (std::chrono::steady_clock::now() < deadline) {
    for (int i = 0; i < 64; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      relax_cpu();
    }
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

}  // namespace

void ThreadPool::Share::set(std::int64_t begin, std::int64_t end) {
  range.store(static_cast<std::uint64_t>(begin) << 32 | static_cast<std::uint64_t>(end),
              std::memory_order_relaxed);
}

std::int64_t ThreadPool::Share::take_first() {
  std::uint64_t old = range.load(std::memory_order_relaxed);
  do {
    if (old >> 32 >= (old & UINT32_MAX)) return -1;
  } while (
      !range.compare_exchange_weak(old, old + (std::uint64_t{1} << 32), std::memory_order_relaxed));
  return static_cast<std::int64_t>(old >> 32);
}

std::int64_t ThreadPool::Share::take_last() {
  std::uint64_t old = range.load(std::memory_order_relaxed);
  do {
    if (old >> 32 >= (old & UINT32_MAX)) return -1;
  } while (!range.compare_exchange_weak(old, old - 1, std::memory_order_relaxed));
  return static_cast<std::int64_t>(old & UINT32_MAX) - 1;
}

ThreadPool::ThreadPool(int n_workers) : shares_(static_cast<std::size_t>(std::max(1, n_workers))) {
  CHECK(n_workers >= 1, "a pool needs a worker, got {}", n_workers);
  threads_.reserve(static_cast<std::size_t>(n_workers - 1));
  for (int i = 1; i < n_workers; ++i) threads_.emplace_back([this, i] { worker_loop(i); });
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::run(function_ref<void(int)> job) {
  if (threads_.empty()) {
    job(0);
    return;
  }
  job_ = &job;
  n_running_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  job(0);
  for (std::uint32_t left = n_running_.load(std::memory_order_acquire); left != 0;
       left = n_running_.load(std::memory_order_acquire)) {
    wait_while_equal(n_running_, left);
  }
  job_ = nullptr;
}

void ThreadPool::parallel_for(std::int64_t n, std::int64_t chunk,
                              function_ref<void(std::int64_t, std::int64_t)> body) {
  parallel_for(n, chunk, [&](int, std::int64_t begin, std::int64_t end) { body(begin, end); });
}

void ThreadPool::parallel_for(std::int64_t n, std::int64_t chunk,
                              function_ref<void(int, std::int64_t, std::int64_t)> body) {
  CHECK(chunk >= 1, "chunk is {}", chunk);
  const std::int64_t n_chunks = (n + chunk - 1) / chunk;
  CHECK(n_chunks <= UINT32_MAX, "{} chunks", n_chunks);
  for (std::int64_t w = 0; w < n_workers(); ++w) {
    shares_[static_cast<std::size_t>(w)].set(n_chunks * w / n_workers(),
                                             n_chunks * (w + 1) / n_workers());
  }
  const auto do_chunk = [&](int worker_idx, std::int64_t i) {
    body(worker_idx, i * chunk, std::min(n, (i + 1) * chunk));
  };
  run([&](int worker_idx) {
    const auto own = static_cast<std::size_t>(worker_idx);
    for (std::int64_t i; (i = shares_[own].take_first()) >= 0;) do_chunk(worker_idx, i);
    for (std::size_t other = 1; other < shares_.size(); ++other) {
      Share& share = shares_[(own + other) % shares_.size()];
      for (std::int64_t i; (i = share.take_last()) >= 0;) do_chunk(worker_idx, i);
    }
  });
}

void ThreadPool::worker_loop(int worker_idx) {
  for (std::uint32_t seen = 0;;) {
    wait_while_equal(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_) return;
    (*job_)(worker_idx);
    if (n_running_.fetch_sub(1, std::memory_order_acq_rel) == 1) n_running_.notify_one();
  }
}

int default_thread_count() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  // Two logical CPUs of one core list the same siblings, so distinct lists count physical cores.
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = std::to_string(cpu);
    cores.insert(siblings);
  }
  return std::max(1, static_cast<int>(cores.size()));
}

}  // namespace tinyllm
