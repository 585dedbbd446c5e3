#include "apps/standard_output.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "apps/terminal.h"
#include "base/error.h"

namespace tinyllm {

void write_stdout(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) throw StdoutClosed{};
    if (n < 0) fail(ErrorCode::io, "standard output cannot be written: {}", std::strerror(errno));
    text.remove_prefix(n);
  }
}

std::string read_stdin(std::size_t max_bytes) {
  if (is_terminal(STDIN_FILENO))
    std::fputs("type the text; Ctrl-D on an empty line ends it\n", stderr);
  std::string all;
  std::array<char, 1 << 16> chunk;
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(ErrorCode::io, "standard input cannot be read: {}", std::strerror(errno));
    if (n == 0) return all;
    all.append(chunk.data(), n);
    if (all.size() > max_bytes) {
      fail(ErrorCode::invalid_input, "standard input has more than {} bytes", max_bytes);
    }
  }
}

}  // namespace tinyllm
