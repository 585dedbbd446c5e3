#include "apps/key_input.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace tinyllm {
namespace {

constexpr char kCtrlC = '\x03', kCtrlZ = '\x1a';

}  // namespace

// False when nothing came: the end, a signal, or no key while we do not wait.
bool KeyInput::read_more(bool wait) {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  if (ended_ || ::poll(&input, 1, wait ? -1 : 0) <= 0) return false;
  std::array<char, 4096> bytes;
  const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) ended_ = true;
  if (n <= 0) return false;
  keys_.insert(keys_.end(), bytes.data(), bytes.data() + n);
  return true;
}

int KeyInput::next(function_ref<void()> on_signal) {
  while (keys_.empty()) {
    if (read_more(/*wait=*/true)) break;
    if (ended_) return -1;
    on_signal();
  }
  const auto key = static_cast<unsigned char>(keys_.front());
  keys_.pop_front();
  return key;
}

bool KeyInput::take_interrupt() {
  const std::size_t n_before = keys_.size();
  while (read_more(/*wait=*/false)) continue;
  const auto fresh = keys_.begin() + static_cast<std::ptrdiff_t>(n_before);
  const bool interrupted = std::find(fresh, keys_.end(), kCtrlC) != keys_.end();
  const bool suspended = std::find(fresh, keys_.end(), kCtrlZ) != keys_.end();
  keys_.erase(std::remove_if(fresh, keys_.end(), [](char c) { return c == kCtrlC || c == kCtrlZ; }),
              keys_.end());
  if (suspended) mode_.suspend();
  return interrupted;
}

std::deque<char> KeyInput::set_aside() { return std::exchange(keys_, {}); }

void KeyInput::give_back(const std::deque<char>& keys) {
  keys_.insert(keys_.begin(), keys.begin(), keys.end());
}

}  // namespace tinyllm
