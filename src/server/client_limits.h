#pragma once
// What one client may ask at a time and in a minute. A client is an API key, or without keys an
// address. Any thread.

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tinyllm {

class ClientLimits {
 public:
  using Clock = std::chrono::steady_clock;

  // 0: no limit.
  ClientLimits(int max_running, int max_a_minute)
      : max_running_(max_running), max_a_minute_(max_a_minute) {}

  // Counts a request of this client until what is returned is dropped. Throws ApiError{429}. The
  // object must outlive it.
  std::shared_ptr<void> enter(const std::string& client, Clock::time_point now = Clock::now());

 private:
  struct Client {
    int n_running = 0;
    double n_allowed = 0;  // requests that it may begin at `counted`; they grow with time
    Clock::time_point counted;
  };
  void leave(const std::string& client);
  void forget_idle(Clock::time_point now);

  const int max_running_, max_a_minute_;
  std::mutex mutex_;  // guards the clients
  std::unordered_map<std::string, Client> clients_;
  Clock::time_point forgot_idle_;
};

}  // namespace tinyllm
