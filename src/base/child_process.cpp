#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace tinyllm {
namespace {

constexpr int kPollMs = 100;
constexpr int kGraceMs = 2000;  // between the polite signal and the other one
constexpr std::size_t kMaxOutput = std::size_t{1} << 20;

// A running child in a process group of its own: Ctrl-C reaches us only, and we end the group.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (!reaped_) end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // True once the child is gone.
  bool poll_exit() {
    if (!reaped_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) reaped_ = true;
    return reaped_;
  }

  void end() {
    ::kill(-pid_, SIGTERM);
    for (int waited = 0; waited < kGraceMs && !poll_exit(); waited += kPollMs) {
      ::poll(nullptr, 0, kPollMs);
    }
    ::kill(-pid_, SIGKILL);
    while (!poll_exit()) ::poll(nullptr, 0, kPollMs / 10);
  }

  int exit_code() const {
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }

 private:
  pid_t pid_;
  int status_ = 0;
  bool reaped_ = false;
};

// After fork: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output) {
  ::setpgid(0, 0);
#ifdef __linux__
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGPIPE, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execvpe(arguments[0], arguments, environment);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> merged_environment(
    const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool replaced = false;
    for (const auto& [name, value] : added) replaced |= text.starts_with(name + "=");
    if (!replaced) all.emplace_back(text);
  }
  for (const auto& [name, value] : added) all.push_back(name + "=" + value);
  return all;
}

// Appends what is there now. False at the end of the stream.
bool read_output(int fd, std::string& output) {
  std::array<char, 1 << 16> chunk;
  const ssize_t n = ::read(fd, chunk.data(), chunk.size());
  if (n > 0) output.append(chunk.data(), static_cast<std::size_t>(n));
  if (output.size() > 2 * kMaxOutput) output.erase(0, output.size() - kMaxOutput);
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

struct Pipe {
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      fail(ErrorCode::io, "cannot make a pipe: {}", std::strerror(errno));
    }
  }
  ~Pipe() {
    close_write();
    ::close(ends[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_write() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  int ends[2];
};

}  // namespace

ChildResult run_child(const std::vector<std::string>& arguments,
                      const std::vector<std::pair<std::string, std::string>>& environment,
                      function_ref<bool(std::string_view)> keep_going) {
  Pipe pipe;
  std::vector<std::string> argument_texts = arguments;
  std::vector<std::string> environment_texts = merged_environment(environment);
  const std::vector<char*> argument_list = pointers(argument_texts);
  const std::vector<char*> environment_list = pointers(environment_texts);

  const pid_t pid = ::fork();
  if (pid < 0) fail(ErrorCode::io, "cannot start {}: {}", arguments[0], std::strerror(errno));
  if (pid == 0) become(argument_list.data(), environment_list.data(), pipe.ends[1]);
  ::setpgid(pid, pid);  // also here: whichever of the two is first
  pipe.close_write();

  Child child(pid);
  ChildResult result;
  bool open = true;
  while (open || !child.poll_exit()) {
    pollfd poll{open ? pipe.ends[0] : -1, POLLIN, 0};
    if (::poll(&poll, 1, kPollMs) > 0) open = read_output(pipe.ends[0], result.output);
    if (!keep_going(result.output)) {
      result.stopped = true;
      child.end();
      break;
    }
    // A grandchild may hold the pipe open after the program itself is gone.
    if (child.poll_exit() && poll.revents == 0) break;
  }
  result.exit_code = child.exit_code();
  return result;
}

}  // namespace tinyllm
