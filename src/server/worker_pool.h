#pragma once
// Threads for what takes long: parsing a body, rendering a template, tokenizing, writing a large
// answer as JSON. So the threads of HTTP always have time for the next byte. Any thread.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tinyllm {

class WorkerPool {
 public:
  explicit WorkerPool(int n_threads);
  ~WorkerPool() { stop(); }

  // Runs `work` soon; what it throws is logged. Short work goes first, and where there are several threads
  // one of them takes short work only: large bodies wait for each other, not the small ones. Returns
  // what drop() calls it.
  std::uint64_t run(bool is_long, std::function<void()> work);

  // Takes work out that has not begun, and frees what it holds.
  void drop(std::uint64_t id);

  // Ends after the work under way; what waits is dropped, and so is what comes later.
  void stop();

 private:
  struct Work {
    std::uint64_t id;
    std::function<void()> run;
  };
  void work(bool takes_long);

  std::mutex mutex_;  // guards the queues, the id and the flag
  std::condition_variable changed_;
  std::deque<Work> short_work_, long_work_;
  std::uint64_t next_id_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tinyllm
