#pragma once
// The memory that all bodies and answers of the server may take together. Any thread.

#include <atomic>
#include <cstddef>

namespace tinyllm {

class HttpBudget {
 public:
  explicit HttpBudget(std::size_t n_bytes) : n_left_(static_cast<std::ptrdiff_t>(n_bytes)) {}

  // Takes so many bytes, or nothing and says false.
  bool take(std::size_t n_bytes) {
    const auto n = static_cast<std::ptrdiff_t>(n_bytes);
    if (n_left_.fetch_sub(n) >= n) return true;
    n_left_ += n;
    return false;
  }
  void give_back(std::size_t n_bytes) { n_left_ += static_cast<std::ptrdiff_t>(n_bytes); }

 private:
  std::atomic<std::ptrdiff_t> n_left_;
};

// What one body or one answer holds of it. The first bytes are free, so that small requests are
// answered while large ones fill the budget; their number is bounded by that of connections.
class HttpShare {
 public:
  static constexpr std::size_t kFreeBytes = 64 << 10;

  explicit HttpShare(HttpBudget& budget) : budget_(budget) {}
  ~HttpShare() { budget_.give_back(n_taken_); }
  HttpShare(const HttpShare&) = delete;
  HttpShare& operator=(const HttpShare&) = delete;

  // Holds so many bytes from now on. False, and all is as before, when there is no room.
  bool resize(std::size_t n_bytes) {
    const std::size_t n_wanted = n_bytes > kFreeBytes ? n_bytes - kFreeBytes : 0;
    if (n_wanted > n_taken_ && !budget_.take(n_wanted - n_taken_)) return false;
    if (n_wanted < n_taken_) budget_.give_back(n_taken_ - n_wanted);
    n_taken_ = n_wanted;
    return true;
  }

 private:
  HttpBudget& budget_;
  std::size_t n_taken_ = 0;
};

}  // namespace tinyllm
