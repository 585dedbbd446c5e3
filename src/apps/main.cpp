// The binary `tinyllm`: runs one subcommand and turns every failure into one line on stderr. Exit
// codes: 0 done, 1 wrong input or world, 2 wrong usage.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "apps/called_as.h"
#include "apps/command_line.h"
#include "apps/standard_output.h"
#include "base/error.h"

namespace {

constexpr int kExitOk = 0, kExitFailed = 1, kExitUsage = 2;

// One line, whatever stands in the message: a file's name or text may hold anything, and nothing of
// it may steer the terminal.
int report(std::string message, int exit_code) {
  message = tinyllm::as_called(std::move(message));
  std::ranges::replace_if(
      message, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  std::fprintf(stderr, "tinyllm: %s\n", message.c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tinyllm;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error code of write(), see StdoutClosed
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow further
  try {
    run_command_line(argc, argv);
    return kExitOk;
  } catch (const StdoutClosed&) {
    return kExitOk;
  } catch (const Error& error) {
    return report(error.what(), error.code() == ErrorCode::usage ? kExitUsage : kExitFailed);
  } catch (const std::bad_alloc&) {
    return report("out of memory; a smaller --context or a smaller model needs less", kExitFailed);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again)
      return report(std::string("internal error: ") + error.what(), kExitFailed);
    return report(
        "the system gives no more threads or memory for them (ulimit -u, ulimit -v); fewer "
        "--threads need less",
        kExitFailed);
  } catch (const std::exception& error) {
    return report(std::string("internal error: ") + error.what(), kExitFailed);
  }
}
