#pragma once
// Threads for what takes long: parsing a body, rendering a template, tokenizing, writing a large
// answer as JSON. So the threads of HTTP always have time for the next byte. Any thread.

#include <condition_variable>
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
  // one of them takes short work only: large bodies wait for each other, not the small ones.
  void run(bool is_long, std::function<void()> work);

  // Ends after the work under way; what waits is dropped, and so is what comes later.
  void stop();

 private:
  void work(bool takes_long);

  std::mutex mutex_;  // guards the queues and the flag
  std::condition_variable changed_;
  std::deque<std::function<void()>> short_work_, long_work_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tinyllm
