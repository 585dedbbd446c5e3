#include "apps/conversation_mode.h"

#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "apps/terminal.h"

namespace tinyllm {
namespace {

constexpr std::string_view kPasteOn = "\x1b[?2004h", kPasteOff = "\x1b[?2004l";

// What signal handlers reach.
termios before_mode, own_mode;
volatile std::sig_atomic_t is_editing = 0, resized = 0, resumed = 0;

void send(std::string_view text) {
  if (is_editing == 0) return;
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

void enter_mode() {
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &own_mode);
  send(kPasteOn);
}

void leave_mode() {
  send(kPasteOff);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_mode);
}

void handle(int sign, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;  // without SA_RESTART: a read that waits for a key notices
  sigemptyset(&action.sa_mask);
  sigaction(sign, &action, nullptr);
}

extern "C" {
void on_end(int sign) {
  leave_mode();
  std::signal(sign, SIG_DFL);
  std::raise(sign);
}
// The system's own SIGTSTP, which it ignores where nobody could bring the program back.
void on_stop(int) {
  leave_mode();
  std::signal(SIGTSTP, SIG_DFL);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  std::raise(SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &stop, nullptr);  // here it stops
  handle(SIGTSTP, on_stop);
  enter_mode();
  resumed = 1;
}
void on_continue(int) {
  enter_mode();
  resumed = 1;
}
void on_resize(int) { resized = 1; }
}

constexpr int kEnds[] = {SIGTERM, SIGHUP, SIGQUIT};

}  // namespace

ConversationMode::ConversationMode(bool editing) {
  is_editing = editing ? 1 : 0;
  if (::tcgetattr(STDIN_FILENO, &before_mode) != 0) return;
  own_mode = before_mode;
  own_mode.c_lflag |= NOFLSH;
  if (editing) {
    own_mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
    own_mode.c_iflag &= ~static_cast<tcflag_t>(INLCR | IGNCR | ICRNL);  // a paste has both
    own_mode.c_cc[VMIN] = 1;
    own_mode.c_cc[VTIME] = 0;
  }
  for (const int sign : kEnds) handle(sign, on_end);
  handle(SIGTSTP, on_stop);
  handle(SIGCONT, on_continue);
  handle(SIGWINCH, on_resize);
  enter_mode();
}

ConversationMode::~ConversationMode() {
  for (const int sign : kEnds) handle(sign, SIG_DFL);
  for (const int sign : {SIGTSTP, SIGCONT, SIGWINCH}) handle(sign, SIG_DFL);
  leave_mode();
}

void ConversationMode::suspend() { ::kill(0, SIGTSTP); }

bool ConversationMode::take_resized() {
  const bool was = resized != 0;
  resized = 0;
  return was;
}

bool ConversationMode::take_resumed() {
  const bool was = resumed != 0;
  resumed = 0;
  return was;
}

}  // namespace tinyllm
