#pragma once
// A mutex that is taken in the order in which it was asked for: whoever unlocks it and asks again
// stands behind all who wait. For work in long pieces; std::mutex lets the last holder in again and
// again. Any thread.

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace tinyllm {

class TicketMutex {
 public:
  void lock() {
    std::unique_lock guard(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    changed_.wait(guard, [&] { return ticket == now_served_; });
  }

  void unlock() {
    {
      const std::scoped_lock guard(mutex_);
      ++now_served_;
    }
    changed_.notify_all();
  }

  // How many threads hold it or wait for it.
  std::uint64_t n_inside() const {
    const std::scoped_lock guard(mutex_);
    return next_ticket_ - now_served_;
  }

 private:
  mutable std::mutex mutex_;  // guards the two counts
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0, now_served_ = 0;
};

}  // namespace tinyllm
