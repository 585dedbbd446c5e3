#pragma once
// While one of these lives, Ctrl-C raises a flag instead of ending the program: it stops an answer,
// not the chat. One at a time, main thread.

#include <csignal>

namespace tinyllm {

class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  bool raised() const;

 private:
  struct sigaction previous_;
};

}  // namespace tinyllm
