#pragma once
// Threads that run calls of tools, so that neither HTTP nor the engine waits for one: one thread for
// each MCP server, and one for the tools of this program. So a server that is silent delays calls of
// its own and no others. Any thread.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/agent_loop.h"

namespace tinyllm {

struct ToolJob {
  AgentCall call;
  std::size_t max_result_bytes = 0;
  std::chrono::steady_clock::time_point deadline;  // waiting counts; then the result says so
  // Set when nobody wants the result any more: the call is stopped, or not begun.
  std::shared_ptr<const std::atomic<bool>> is_unwanted;
  std::function<void(ToolResult)> done;  // at once or on a tool's thread; not where nobody wants it
};

class ToolThreads {
 public:
  // `box` must outlive it, and stay as it is.
  explicit ToolThreads(const ToolBox& box);
  ~ToolThreads() { stop(); }
  ToolThreads(const ToolThreads&) = delete;
  ToolThreads& operator=(const ToolThreads&) = delete;

  // Of one server; more get an error as their result, so that who waits for a silent server does not
  // fill the places of all.
  static constexpr std::size_t kMaxWaiting = 128;

  // Soon, behind the calls of the same server before it.
  void run(ToolJob job);

  // Stops the calls under way and drops those that wait, and those that come later.
  void stop();

 private:
  struct Lane {
    std::deque<ToolJob> jobs;
    std::condition_variable changed;
    std::thread thread;
  };
  void work(Lane& lane);
  ToolResult result_of(const ToolJob& job) const;

  const ToolBox& box_;
  std::mutex mutex_;  // guards the queues
  std::atomic<bool> stopping_{false};
  std::map<std::string, Lane, std::less<>> lanes_;  // by the name of the server; the map is fixed
};

}  // namespace tinyllm
