#pragma once
// The compute pool: n workers that share the chunks of a job. Worker 0 is the caller. A job ends
// when its chunks are done, not when every worker has come: one that sleeps, or whose core another
// program has taken, is not waited for unless it holds a chunk. One owner: parallel_for must not be
// called from two threads at once, nor from inside a job. Waiting spins for at most 50 us and then
// sleeps (std::atomic::wait: a futex on Linux).

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "base/function_ref.h"

namespace tinyllm {

class ThreadPool {
 public:
  // n_workers >= 1; the pool starts n_workers - 1 threads.
  explicit ThreadPool(int n_workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_workers() const { return static_cast<int>(threads_.size()) + 1; }

  // Splits [0, n) into chunks of `chunk`. Each worker goes through its own share of neighbouring
  // chunks in order (memory is read in one stream), then takes chunks from the ends of the others'
  // shares, so a slow core does fewer. Calls body(begin, end) with half-open ranges; which worker
  // gets a range changes no result. The body must not throw.
  void parallel_for(std::int64_t n, std::int64_t chunk,
                    function_ref<void(std::int64_t, std::int64_t)> body);
  // The same with body(worker_idx, begin, end), for scratch memory that each worker has of its own.
  void parallel_for(std::int64_t n, std::int64_t chunk,
                    function_ref<void(int, std::int64_t, std::int64_t)> body);

  // Turns the measurement of idle time on or off: the time in which workers have nothing to do
  // while a job runs. It costs each worker two looks at the clock per job.
  void watch_waiting(bool watched) { watched_ = watched; }
  // Idle seconds since the last call, the mean over the workers.
  double take_waited_s() { return std::exchange(waited_s_, 0.0); }

 private:
  // The chunks [begin, end) that nobody has taken yet, in the upper and lower half of one word.
  struct alignas(128) Share {
    std::atomic<std::uint64_t> range{0};
    double busy_s = 0;  // of the worker in this job, when watched

    void set(std::int64_t begin, std::int64_t end);
    std::int64_t take_first();  // -1: none left
    std::int64_t take_last();
  };

  // Whether workers may still join a job: the door is open while chunks remain.
  // The word holds, in 16 bits each, how often it was opened
  // or closed (odd: it is open) and how many workers are inside.
  class alignas(128) Door {
   public:
    void open();   // caller
    void close();  // caller; returns when nobody is inside
    // Waits until the door opens for another time than number `seen`, steps in and sets `seen`.
    void enter(std::uint32_t& seen);
    void leave();

   private:
    std::atomic<std::uint32_t> state_{0};
    alignas(128) std::atomic<std::uint32_t> caller_sleeps_{0};
  };

  // job(worker_idx) on the caller and on every worker that comes while it runs there.
  void run(function_ref<void(int)> job);
  void worker_loop(int worker_idx);
  void end_workers();

  std::vector<std::thread> threads_;
  std::vector<Share> shares_;                     // [n_workers]
  const function_ref<void(int)>* job_ = nullptr;  // valid while the door is open; null: end
  Door door_;
  bool watched_ = false;
  double waited_s_ = 0;
};

// Physical cores that this process may use: the default of --threads. At least 1.
int default_thread_count();

}  // namespace tinyllm
