#pragma once
// The processes of this program on this machine, from /proc. Any thread.

#include <cstdint>
#include <string>
#include <vector>

namespace tinyllm {

struct RunningProgram {
  int pid = 0;
  std::string command;      // "serve", "chat", ...
  std::string model;        // as it was given; empty: the command's default
  std::string address;      // of `serve`: "127.0.0.1:8000"
  std::uint64_t bytes = 0;  // of memory that it holds now
  double seconds = 0;       // since its start
};

// Those that run a model, by process id, without this one. Processes that cannot be read (of other
// users) are left out.
std::vector<RunningProgram> running_programs();

}  // namespace tinyllm
