#pragma once
// The one exception of the project: the outside world (a file, a flag, a request, the disk)
// is at fault. A programmer's fault is CHECK (base/check.h). Whoever can do without what
// failed catches it and says so; otherwise it ends the command in apps/main or becomes
// the answer of an HTTP request. It is never thrown inside an engine step. Any thread.

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace tinyllm {

enum class ErrorCode {
  invalid_input,     // a file, value or request is malformed
  unsupported,       // well formed, but we do not run it
  not_found,         // no such file, model, tensor
  io,                // the operating system refused a read or write
  network,           // a download failed
  out_of_memory,     // more memory wanted than the machine has
  context_overflow,  // more tokens than the context holds
  usage,             // the command line is wrong (exit code 2)
  not_yet,           // a lesson's region is still to be written
};

// The message is one line: what, where, found, wanted, what to do. No trailing newline.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// fail(ErrorCode::not_found, "{}: no such tensor '{}'", path, name)
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tinyllm
