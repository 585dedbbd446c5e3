#pragma once
// Elapsed wall time in seconds from a steady clock. Any thread, one object per user.

#include <chrono>

namespace tinyllm {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  void restart() { start_ = std::chrono::steady_clock::now(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace tinyllm
