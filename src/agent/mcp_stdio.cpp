#include "agent/mcp_stdio.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/quote.h"
#include "base/spawned_process.h"

namespace tinyllm {
namespace {

constexpr int kPipePollMs = 100;
constexpr std::size_t kMaxStderrBytes = 8 << 10;  // of stderr, the last
constexpr double kMaxSendSeconds = 10, kCancelSeconds = 1;
constexpr double kFarewellSeconds = 1;  // after its stdin is closed a server should end by itself

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

// A write to a pipe that nobody reads any more is an error here, not the end of the program.
class NoPipeSignal {
 public:
  NoPipeSignal() { before_ = ::signal(SIGPIPE, SIG_IGN); }
  ~NoPipeSignal() { ::signal(SIGPIPE, before_); }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  void (*before_)(int);
};

class McpProcess final : public McpTransport {
 public:
  explicit McpProcess(const McpServerConfig& server)
      : program_(server.command.front()),
        process_({.arguments = server.command,
                  .environment = server.environment,
                  .folder = server.folder,
                  .input = to_.read_end,
                  .output = from_.write_end,
                  .error = errors_.write_end}) {
    to_.close_read();
    from_.close_write();
    errors_.close_write();
    for (const int fd : {to_.write_end, from_.read_end, errors_.read_end}) set_nonblocking(fd);
  }

  ~McpProcess() override {
    to_.close_write();
    const Stopwatch clock;
    while (!process_.poll_exit() && clock.seconds() < kFarewellSeconds) ::poll(nullptr, 0, 10);
  }

  bool is_open() const override { return is_open_; }

  void set_revision(const std::string&) override {}

  void send(std::string_view message, bool) override { send_within(message, kMaxSendSeconds); }

  void cancel(std::string_view notice) override { send_within(notice, kCancelSeconds); }

  std::optional<std::string> receive(function_ref<bool()> may_wait) override {
    while (true) {
      if (std::optional<std::string> line = take_line()) return line;
      if (!is_open_) tell_end();
      if (!may_wait()) return std::nullopt;
      wait(-1, 0);
    }
  }

 private:
  void send_within(std::string_view message, double max_seconds) {
    const NoPipeSignal guard;
    std::string line(message);
    line += '\n';
    const Stopwatch clock;
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t n = ::write(to_.write_end, line.data() + done, line.size() - done);
      if (n > 0) {
        done += static_cast<std::size_t>(n);
      } else if (errno == EPIPE) {
        tell_end();
      } else if (errno != EAGAIN && errno != EINTR) {
        fail(ErrorCode::io, "cannot be written to: {}", std::strerror(errno));
      } else {
        if (clock.seconds() > max_seconds) {
          is_open_ = is_open_ && done == 0;  // the next message would begin inside this one
          fail(ErrorCode::io, "does not read what it is sent");
        }
        wait(to_.write_end, POLLOUT);  // what it says meanwhile must not fill its pipe
      }
    }
  }

  // The next line that is not empty. What has been taken goes once no whole line is left.
  std::optional<std::string> take_line() {
    n_taken_ = std::min(text_.find_first_not_of("\r\n", n_taken_), text_.size());
    const std::size_t end = text_.find('\n', std::max(n_taken_, n_looked_at_));
    if (end == std::string::npos) {
      text_.erase(0, std::exchange(n_taken_, 0));
      n_looked_at_ = text_.size();
      if (text_.size() <= kMaxMcpMessageBytes) return std::nullopt;
      is_open_ = false;
      fail(ErrorCode::invalid_input, "sent a line of more than {} MiB", kMaxMcpMessageBytes >> 20);
    }
    std::string line = text_.substr(n_taken_, end - n_taken_);
    n_taken_ = n_looked_at_ = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }

  // Until something comes, `fd` is ready, or a tenth of a second has passed.
  void wait(int fd, short events) {
    const bool has_room = text_.size() - n_taken_ <= kMaxMcpMessageBytes;
    std::array<pollfd, 3> polls = {{{is_open_ && has_room ? from_.read_end : -1, POLLIN, 0},
                                    {errors_.read_end, POLLIN, 0},
                                    {fd, events, 0}}};
    if (::poll(polls.data(), polls.size(), kPipePollMs) <= 0) return;
    if (polls[1].revents != 0) read_errors();
    if (polls[0].revents != 0) is_open_ = read_some(from_.read_end, text_);
  }

  // Appends what is there, at most a chunk. False at the end.
  static bool read_some(int fd, std::string& text) {
    std::array<char, 1 << 16> chunk;
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n > 0) text.append(chunk.data(), static_cast<std::size_t>(n));
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
  }

  void read_errors() {
    if (errors_.read_end < 0) return;
    if (!read_some(errors_.read_end, error_text_)) errors_.close_read();
    if (error_text_.size() > 2 * kMaxStderrBytes)
      error_text_.erase(0, error_text_.size() - kMaxStderrBytes);
  }

  std::string last_error_line() {
    for (int i = 0; i < 16; ++i) read_errors();
    while (!error_text_.empty() && (error_text_.back() == '\n' || error_text_.back() == ' '))
      error_text_.pop_back();
    const std::size_t begin = error_text_.rfind('\n');
    return begin == std::string::npos ? error_text_ : error_text_.substr(begin + 1);
  }

  [[noreturn]] void tell_end() {
    is_open_ = false;
    const Stopwatch clock;
    while (!process_.poll_exit() && clock.seconds() < kFarewellSeconds) ::poll(nullptr, 0, 10);
    if (!process_.poll_exit()) fail(ErrorCode::io, "has closed its output");
    const int code = process_.exit_code();
    if (code == 127)
      fail(ErrorCode::io, "has not started: there is no program {}", quote(program_));
    if (code == 126) fail(ErrorCode::io, "has not started: its folder or program cannot be used");
    const std::string last = last_error_line();
    const int signal = process_.signal();
    fail(ErrorCode::io, "has ended with {} {}{}", signal > 0 ? "signal" : "exit code",
         signal > 0 ? signal : code, last.empty() ? "" : ": " + quote(last));
  }

  std::string program_;
  Pipe to_, from_, errors_;
  SpawnedProcess process_;
  bool is_open_ = true;
  std::string text_, error_text_;
  std::size_t n_taken_ = 0;      // bytes of text_ that were received
  std::size_t n_looked_at_ = 0;  // and those behind them that hold no newline
};

}  // namespace

std::unique_ptr<McpTransport> start_mcp_process(const McpServerConfig& server) {
  return std::make_unique<McpProcess>(server);
}

}  // namespace tinyllm
