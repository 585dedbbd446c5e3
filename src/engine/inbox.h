#pragma once
// How other threads reach the engine thread: a queue of commands that it drains at every step, and
// sleeps on when nothing runs. Any thread.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "api/request.h"
#include "engine/engine_snapshot.h"
#include "engine/request_stream.h"

namespace tinyllm {

struct InboxCommand {
  enum class Kind { submit, cancel, snapshot };
  Kind kind = Kind::submit;
  Request request;                                    // submit
  std::shared_ptr<RequestStream> stream;              // submit, cancel
  std::function<void(EngineSnapshot snapshot)> tell;  // snapshot
};

class Inbox {
 public:
  void push(InboxCommand command) {
    {
      const std::scoped_lock lock(mutex_);
      commands_.push_back(std::move(command));
    }
    arrived_.notify_one();
  }

  // Ends a wait without a command: there is something else to look after.
  void wake() {
    {
      const std::scoped_lock lock(mutex_);
      woken_ = true;
    }
    arrived_.notify_one();
  }

  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    arrived_.notify_one();
  }

  // Moves all commands into `commands` (cleared first). With `wait`, sleeps until there is one,
  // somebody called wake() since the last drain, or the inbox closes. False when it is closed.
  bool drain(std::vector<InboxCommand>& commands, bool wait) {
    commands.clear();
    std::unique_lock lock(mutex_);
    if (wait) arrived_.wait(lock, [&] { return closed_ || woken_ || !commands_.empty(); });
    woken_ = false;
    std::swap(commands, commands_);
    return !closed_;
  }

 private:
  std::mutex mutex_;  // guards the rest
  std::condition_variable arrived_;
  std::vector<InboxCommand> commands_;
  bool woken_ = false, closed_ = false;
};

}  // namespace tinyllm
