#include "learn/terminal_child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"

namespace tinyllm::learn {
namespace {

// While one lives, Ctrl-C reaches only the child; a child that closes its input early is no fault.
class IgnoredSignals {
 public:
  IgnoredSignals()
      : interrupt_(std::signal(SIGINT, SIG_IGN)), pipe_(std::signal(SIGPIPE, SIG_IGN)) {}
  ~IgnoredSignals() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGPIPE, pipe_);
  }
  IgnoredSignals(const IgnoredSignals&) = delete;
  IgnoredSignals& operator=(const IgnoredSignals&) = delete;

 private:
  void (*interrupt_)(int);
  void (*pipe_)(int);
};

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace

int run_on_terminal(const std::vector<std::string>& arguments, const std::string& input) {
  int ends[2] = {-1, -1};
  if (!input.empty() && ::pipe2(ends, O_CLOEXEC) != 0) {
    fail(ErrorCode::io, "cannot make a pipe: {}", std::strerror(errno));
  }
  std::vector<char*> list;
  for (const std::string& word : arguments) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  const IgnoredSignals ignored;
  const pid_t pid = ::fork();
  if (pid < 0) fail(ErrorCode::io, "cannot start {}: {}", arguments[0], std::strerror(errno));
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // it ends with whoever started it
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGPIPE, SIG_DFL);
    if (ends[0] >= 0) ::dup2(ends[0], STDIN_FILENO);
    ::execvp(list[0], list.data());
    ::_exit(127);
  }
  if (ends[0] >= 0) {
    ::close(ends[0]);
    write_all(ends[1], input);
    ::close(ends[1]);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace tinyllm::learn
