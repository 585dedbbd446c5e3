#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <string>

#include "base/check.h"
#include "base/clock.h"

namespace tinyllm {
namespace {

void relax_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

constexpr std::uint32_t kOneInside = 1, kInsideMask = 0xffff, kOneMove = 1u << 16;
constexpr int kMaxWorkers = kInsideMask;

// True once ready() holds, false after 50 us without.
template <typename Ready>
bool spin_until(Ready ready) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      relax_cpu();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
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

void ThreadPool::Door::open() {
  state_.fetch_add(kOneMove, std::memory_order_release);
  state_.notify_all();
}

void ThreadPool::Door::close() {
  state_.fetch_add(kOneMove, std::memory_order_acq_rel);
  const auto empty = [&] { return (state_.load(std::memory_order_acquire) & kInsideMask) == 0; };
  while (!spin_until(empty)) {
    // Both words in one order (seq_cst): the last to leave sees that the caller sleeps, or the
    // caller that it has left.
    caller_sleeps_.store(1);
    if ((state_.load() & kInsideMask) == 0) return;
    caller_sleeps_.wait(1);
  }
}

void ThreadPool::Door::enter(std::uint32_t& seen) {
  std::uint32_t state = 0;
  const auto is_open = [&] {
    state = state_.load(std::memory_order_relaxed);
    return (state & kOneMove) != 0 && state / kOneMove != seen;
  };
  for (;;) {
    while (!spin_until(is_open)) state_.wait(state, std::memory_order_relaxed);
    if (!state_.compare_exchange_strong(state, state + kOneInside, std::memory_order_acquire)) {
      continue;
    }
    seen = state / kOneMove;
    return;
  }
}

void ThreadPool::Door::leave() {
  const std::uint32_t state = state_.fetch_sub(kOneInside) - kOneInside;
  const bool last = (state & (kInsideMask | kOneMove)) == 0;
  if (last && caller_sleeps_.exchange(0) != 0) caller_sleeps_.notify_one();
}

ThreadPool::ThreadPool(int n_workers) : shares_(std::max(1, n_workers)) {
  CHECK(n_workers >= 1 && n_workers <= kMaxWorkers, "a pool of {} workers", n_workers);
  threads_.reserve(n_workers - 1);
  try {
    for (int i = 1; i < n_workers; ++i) threads_.emplace_back([this, i] { worker_loop(i); });
  } catch (...) {  // the system gives no more threads: those that run must end first
    end_workers();
    throw;
  }
}

ThreadPool::~ThreadPool() { end_workers(); }

void ThreadPool::end_workers() {
  door_.open();  // without a job: the workers end
  for (std::thread& thread : threads_) thread.join();
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
    shares_[w].set(n_chunks * w / n_workers(), n_chunks * (w + 1) / n_workers());
  }
  const auto do_chunk = [&](int worker_idx, std::int64_t i) {
    body(worker_idx, i * chunk, std::min(n, (i + 1) * chunk));
  };
  const auto take_chunks = [&](int worker_idx) {
    const auto own = static_cast<std::size_t>(worker_idx);
    for (std::int64_t i; (i = shares_[own].take_first()) >= 0;) do_chunk(worker_idx, i);
    for (std::size_t other = 1; other < shares_.size(); ++other) {
      Share& share = shares_[(own + other) % shares_.size()];
      for (std::int64_t i; (i = share.take_last()) >= 0;) do_chunk(worker_idx, i);
    }
  };
  if (threads_.empty() || n_chunks <= 1) return take_chunks(0);
  if (!watched_) return run(take_chunks);
  for (Share& share : shares_) share.busy_s = 0;
  const Stopwatch job_clock;
  run([&](int worker_idx) {
    const Stopwatch clock;
    take_chunks(worker_idx);
    shares_[worker_idx].busy_s = clock.seconds();
  });
  const double seconds = job_clock.seconds();
  for (const Share& share : shares_) {
    waited_s_ += std::max(0.0, seconds - share.busy_s) / static_cast<double>(shares_.size());
  }
}

void ThreadPool::run(function_ref<void(int)> job) {
  job_ = &job;
  door_.open();
  job(0);
  door_.close();
  job_ = nullptr;
}

void ThreadPool::worker_loop(int worker_idx) {
  for (std::uint32_t seen = 0;;) {
    door_.enter(seen);
    if (job_ == nullptr) return;
    (*job_)(worker_idx);
    door_.leave();
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
