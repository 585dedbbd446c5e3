#include "base/spawned_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.h"

namespace tinyllm {
namespace {

constexpr int kExitPollMs = 10;
constexpr int kGraceMs = 2000;  // between the polite signal and the other one

void become(int fd, int target) {
  if (fd < 0) fd = ::open("/dev/null", O_RDWR);
  ::dup2(fd, target);
}

void limit(decltype(RLIMIT_AS) resource, std::uint64_t n_bytes) {
  const rlimit limits{n_bytes, n_bytes};
  if (n_bytes > 0) ::setrlimit(resource, &limits);
}

// After fork: only calls that are safe there.
[[noreturn]] void run(char* const* arguments, char* const* environment,
                      const SpawnOptions& options) {
  ::setpgid(0, 0);
#ifdef __linux__
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  become(options.input, STDIN_FILENO);
  become(options.output, STDOUT_FILENO);
  become(options.error, STDERR_FILENO);
  limit(RLIMIT_AS, options.limits.memory_bytes);
  limit(RLIMIT_FSIZE, options.limits.file_bytes);
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
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

void close_once(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

Pipe::Pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    fail(ErrorCode::io, "cannot make a pipe: {}", std::strerror(errno));
  read_end = ends[0];
  write_end = ends[1];
}

Pipe::~Pipe() {
  close_read();
  close_write();
}

void Pipe::close_read() { close_once(read_end); }
void Pipe::close_write() { close_once(write_end); }

SpawnedProcess::SpawnedProcess(const SpawnOptions& options) {
  std::vector<std::string> argument_texts = options.arguments;
  std::vector<std::string> environment_texts = merged_environment(options.environment);
  const std::vector<char*> arguments = pointers(argument_texts);
  const std::vector<char*> environment = pointers(environment_texts);
  pid_ = ::fork();
  if (pid_ < 0)
    fail(ErrorCode::io, "cannot start {}: {}", options.arguments[0], std::strerror(errno));
  if (pid_ == 0) run(arguments.data(), environment.data(), options);
  ::setpgid(pid_, pid_);  // also here: whichever of the two is first
}

SpawnedProcess::~SpawnedProcess() {
  if (!reaped_) end();
}

// What it started goes with it. Until it is reaped its number, which is also the group's, is nobody
// else's.
bool SpawnedProcess::poll_exit() {
  if (reaped_) return true;
  siginfo_t info{};
  const int rc = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  const bool is_gone = rc == 0 ? info.si_pid == pid_ : errno == ECHILD;
  if (!is_gone) return false;
  if (rc == 0) {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
  }
  return reaped_ = true;
}

void SpawnedProcess::end() {
  if (reaped_) return;
  ::kill(-pid_, SIGTERM);
  for (int waited = 0; waited < kGraceMs && !poll_exit(); waited += kExitPollMs) {
    ::poll(nullptr, 0, kExitPollMs);
  }
  if (reaped_) return;
  ::kill(-pid_, SIGKILL);
  while (!poll_exit()) ::poll(nullptr, 0, kExitPollMs);
}

int SpawnedProcess::exit_code() const {
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

int SpawnedProcess::signal() const { return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0; }

}  // namespace tinyllm
