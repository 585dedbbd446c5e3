#include "server/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"

namespace tinyllm {

WorkerPool::WorkerPool(int n_threads) {
  try {
    for (int i = 0; i < n_threads; ++i) {
      const bool takes_long = i > 0 || n_threads == 1;
      threads_.emplace_back([this, takes_long] { work(takes_long); });
      pthread_setname_np(threads_.back().native_handle(), "worker");  // for top -H
    }
  } catch (...) {  // the system gives no more threads: those that run must end first
    stop();
    throw;
  }
}

std::uint64_t WorkerPool::run(bool is_long, std::function<void()> work) {
  std::uint64_t id = 0;
  {
    const std::scoped_lock lock(mutex_);
    id = next_id_++;
    if (stopping_) return id;
    (is_long ? long_work_ : short_work_).push_back({id, std::move(work)});
  }
  changed_.notify_all();
  return id;
}

void WorkerPool::drop(std::uint64_t id) {
  Work dropped = {};  // freed when the lock is given back
  const std::scoped_lock lock(mutex_);
  for (std::deque<Work>* queue : {&short_work_, &long_work_}) {
    const auto found = std::ranges::find(*queue, id, &Work::id);
    if (found == queue->end()) continue;
    dropped = std::move(*found);
    queue->erase(found);
    return;
  }
}

void WorkerPool::work(bool takes_long) {
  while (true) {
    Work next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] {
        return stopping_ || !short_work_.empty() || (takes_long && !long_work_.empty());
      });
      if (stopping_) return;
      auto& queue = short_work_.empty() ? long_work_ : short_work_;
      next = std::move(queue.front());
      queue.pop_front();
    }
    try {
      next.run();
    } catch (const std::exception& error) {  // no memory, even for saying so
      log(LogLevel::error, "a request was dropped: {}", error.what());
    }
  }
}

void WorkerPool::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  std::deque<Work> dropped_short, dropped_long;  // freed when the lock is given back
  const std::scoped_lock lock(mutex_);
  dropped_short.swap(short_work_);
  dropped_long.swap(long_work_);
}

}  // namespace tinyllm
