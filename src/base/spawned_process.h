#pragma once
// Another program in a process group of its own, so that Ctrl-C reaches us only and its end takes
// all that it started. One thread.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tinyllm {

// Both ends of a pipe, closed when they are left. Not inherited by other programs.
struct Pipe {
  Pipe();  // throws Error{io}
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read();
  void close_write();
  int read_end = -1, write_end = -1;
};

// Beyond them its allocations and writes fail. 0: ours.
struct ProcessLimits {
  std::uint64_t memory_bytes = 0, file_bytes = 0;
};

struct SpawnOptions {
  std::vector<std::string> arguments;                            // [0] is looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment;  // added to our own
  std::string folder = {};                                       // to run in; "": ours
  int input = -1, output = -1, error = -1;  // become its stdin, stdout, stderr; -1: /dev/null
  ProcessLimits limits = {};
};

class SpawnedProcess {
 public:
  // Throws Error{io} when no process can be made. A program that is not there ends with code 127, a
  // folder that is not there with 126. It is ended when the thread that started it ends.
  explicit SpawnedProcess(const SpawnOptions& options);
  ~SpawnedProcess();
  SpawnedProcess(const SpawnedProcess&) = delete;
  SpawnedProcess& operator=(const SpawnedProcess&) = delete;

  bool poll_exit();       // true once it is gone, and with it its whole group
  void end();             // its whole group: politely, after two seconds by force
  int exit_code() const;  // once it is gone; 128 + n: ended by signal n, or it said so itself
  int signal() const;     // once it is gone: what ended it; 0: it left by itself

 private:
  pid_t pid_ = -1;
  int status_ = 0;
  bool reaped_ = false;
};

}  // namespace tinyllm
