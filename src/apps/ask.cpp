#include "apps/ask.h"

#include <unistd.h>

#include <cstdio>

#include "apps/terminal.h"
#include "base/error.h"

namespace tinyllm {

bool confirm(const std::string& question, const std::string& what) {
  if (!is_terminal(STDIN_FILENO))
    fail(ErrorCode::usage, "{}, and there is no terminal to ask on: give -y", what);
  std::fputs((question + " [y/N] ").c_str(), stderr);
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

}  // namespace tinyllm
