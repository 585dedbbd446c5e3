#include "base/child_process.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/spawned_process.h"

namespace tinyllm {
namespace {

constexpr int kPollMs = 100;
constexpr std::size_t kMaxOutput = std::size_t{1} << 20;

// Appends what is there now. False at the end of the stream.
bool read_output(int fd, std::string& output) {
  std::array<char, 1 << 16> chunk;
  const ssize_t n = ::read(fd, chunk.data(), chunk.size());
  if (n > 0) output.append(chunk.data(), static_cast<std::size_t>(n));
  if (output.size() > 2 * kMaxOutput) output.erase(0, output.size() - kMaxOutput);
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& arguments,
                      const std::vector<std::pair<std::string, std::string>>& environment,
                      function_ref<bool(std::string_view)> keep_going,
                      const ProcessLimits& limits) {
  Pipe pipe;
  SpawnedProcess child({.arguments = arguments,
                        .environment = environment,
                        .output = pipe.write_end,
                        .error = pipe.write_end,
                        .limits = limits});
  pipe.close_write();
  ChildResult result;
  bool open = true;
  while (open || !child.poll_exit()) {
    pollfd poll{open ? pipe.read_end : -1, POLLIN, 0};
    if (::poll(&poll, 1, kPollMs) > 0) open = read_output(pipe.read_end, result.output);
    if (!keep_going(result.output)) {
      result.stopped = true;
      child.end();
      break;
    }
    // A grandchild may hold the pipe open after the program itself is gone.
    if (child.poll_exit() && poll.revents == 0) break;
  }
  result.exit_code = child.exit_code();
  result.signal = child.signal();
  return result;
}

}  // namespace tinyllm
